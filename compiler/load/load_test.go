package load

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
)

// samples are complete sites; together they use every field of the language but those of unusedFields.
var samples = []string{
	"../../examples/fra1/site.cue",
	"testdata/sites/waw3.cue",
	"testdata/sites/cell-0417.cue",
	"testdata/sites/dus2.cue",
	"../../examples/muc1/site.cue",
}

func read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustLoad(t testing.TB, name, text string) *Source {
	t.Helper()
	src, faults := Bytes(name, []byte(text))
	if src == nil {
		t.Fatalf("%s: %v", name, lines(faults))
	}
	return src
}

// lines prints findings, one a line.
func lines(l diag.List) string {
	var b strings.Builder
	for _, f := range l {
		b.WriteString(f.Pos.String() + " " + f.Name + " " + f.Path + ": " + f.Message + " | " + f.Hint + "\n")
	}
	return b.String()
}

func TestSamplesLoad(t *testing.T) {
	for _, name := range samples {
		src, faults := Files([]string{name}, Options{})
		if src == nil || len(faults) > 0 {
			t.Errorf("%s:\n%s", name, lines(faults))
			continue
		}
		if want := strings.TrimSuffix(filepath.Base(name), ".cue"); want != "site" && src.Site.Name != want {
			t.Errorf("%s: the name is %q", name, src.Site.Name)
		}
		for _, leaf := range src.Leaves() {
			if p := src.PosOf(leaf); p.File != name || p.Line == 0 || p.Column == 0 {
				t.Errorf("%s: position of %s is %s", name, leaf, p)
			}
		}
	}
}

// Written in JSON, or in YAML (which JSON is), a site is the same site, and loading a resolved site changes nothing.
func TestFormatsAgree(t *testing.T) {
	for _, name := range samples {
		want := mustLoad(t, name, read(t, name)).Resolved()
		for _, ext := range []string{".json", ".yaml", ".yml", ".cue"} {
			if got := mustLoad(t, "site"+ext, string(want)).Resolved(); !bytes.Equal(got, want) {
				t.Errorf("%s as %s resolves to another site", name, ext)
			}
		}
	}
}

func TestSeveralFilesAreOneSite(t *testing.T) {
	text := read(t, "testdata/sites/cell-0417.cue")
	i := strings.Index(text, "racks: cabinet")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.cue"), text[:i])
	write(t, filepath.Join(dir, "racks.cue"), "package cell\n\n"+text[i:])
	write(t, filepath.Join(dir, "broken_tool.cue"), "package cell\n}")
	src, faults := Files([]string{dir}, Options{})
	if src == nil {
		t.Fatal(lines(faults))
	}
	want := mustLoad(t, "x.cue", text).Resolved()
	if !bytes.Equal(src.Resolved(), want) {
		t.Error("two files resolve to another site than one")
	}
	for path, file := range map[string]string{"kubernetes.version": "a.cue", "mesh.kind": "racks.cue", "racks.cabinet": "racks.cue"} {
		if p := src.PosOf(path); p.File != filepath.ToSlash(filepath.Join(dir, file)) {
			t.Errorf("%s is found in %s", path, p)
		}
	}

	// A fault in each file: both are told at once.
	write(t, filepath.Join(dir, "a.cue"), strings.Replace(text[:i], `"k3s"`, `"k4s"`, 1))
	write(t, filepath.Join(dir, "racks.cue"), "package cell\n\n"+strings.Replace(text[i:], `"Local"`, `"local"`, 1))
	_, faults = Files([]string{filepath.Join(dir, "a.cue"), filepath.Join(dir, "racks.cue")}, Options{})
	if len(faults) != 2 || !strings.HasSuffix(faults[0].Pos.File, "a.cue") || !strings.HasSuffix(faults[1].Pos.File, "racks.cue") {
		t.Errorf("faults of two files:\n%s", lines(faults))
	}
}

func TestStdin(t *testing.T) {
	text := read(t, samples[2])
	src, faults := Files([]string{"-"}, Options{Stdin: strings.NewReader(text)})
	if src == nil {
		t.Fatal(lines(faults))
	}
	if p := src.PosOf("name"); p.File != "-" {
		t.Errorf("position is %s", p)
	}
	src, _ = Files([]string{"-"}, Options{Stdin: bytes.NewReader(src.Resolved()), StdinName: "in.json"})
	if src == nil || src.PosOf("name").File != "in.json" {
		t.Error("JSON on standard input was not read under its name")
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "site.txt"), "")
	write(t, filepath.Join(dir, "loop"), "")
	os.Remove(filepath.Join(dir, "loop"))
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{
		nil, {"-"}, {filepath.Join(dir, "none.cue")}, {filepath.Join(dir, "site.txt")}, {dir},
		{filepath.Join(dir, "loop")}, {os.DevNull},
	} {
		src, faults := Files(paths, Options{})
		if src != nil || len(faults) != 1 || faults[0].Rule != CannotRead.ID {
			t.Errorf("%v: %s", paths, lines(faults))
		}
	}
}

// A Loader changes its context from time to time; sites loaded before stay usable.
func TestLoaderRenews(t *testing.T) {
	l := NewLoader()
	text := []byte(read(t, samples[2]))
	first, _ := l.Bytes("first.cue", text)
	for range renewAfter {
		if src, faults := l.Bytes("next.cue", text); src == nil {
			t.Fatal(lines(faults))
		}
	}
	if p := first.PosOf("racks.cabinet.tors.sw.address"); p.File != "first.cue" || p.Line == 0 {
		t.Errorf("position after renewal: %s", p)
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

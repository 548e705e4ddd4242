package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tree returns a sealed tree of a site.
func tree(t *testing.T, site string, files map[string]string) *Tree {
	t.Helper()
	tr := NewTree()
	for _, p := range slices.Sorted(maps.Keys(files)) {
		f := tr.File(p, "sites."+site)
		f.Line(files[p])
		if strings.HasSuffix(p, ".sh") {
			f.Executable()
		}
	}
	tr.Seal(site, "0123")
	if err := tr.Err(); err != nil {
		t.Fatal(err)
	}
	return tr
}

// disk returns the content of every file below dir, without manifests; a symbolic link is "→ target".
func disk(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := relative(dir, p)
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(p)
			got[name] = "→ " + target
			return err
		}
		data, err := os.ReadFile(p)
		if filepath.Dir(name) != ManifestDir {
			got[name] = strings.TrimSuffix(string(data), "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for p, s := range files {
		p = filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, dir string, trees ...*Tree) Result {
	t.Helper()
	r, err := Write(dir, trees...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantDisk(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := disk(t, dir)
	for p := range got {
		if _, ok := want[p]; !ok {
			t.Errorf("%s is there: %q", p, got[p])
		}
	}
	for p, w := range want {
		if got[p] != w {
			t.Errorf("%s holds %q, want %q", p, got[p], w)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".meshgen") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

func inode(t *testing.T, name string) fs.FileInfo {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestWriteReplacesTree(t *testing.T) {
	out := filepath.Join(t.TempDir(), "a", "out") // neither exists
	r := write(t, out, tree(t, "x", map[string]string{"same": "1", "d/changed": "1", "gone/deep/f": "1", "run.sh": "1", "shape": "1"}))
	if want := (Result{Written: 6}); r != want {
		t.Errorf("first write: %+v, want %+v", r, want)
	}
	if m := inode(t, filepath.Join(out, "run.sh")).Mode(); m&0o111 == 0 {
		t.Errorf("run.sh has mode %v", m)
	}
	put(t, out, map[string]string{"notes.txt": "mine", "d/mine": "mine", "gone/mine": "mine", "own/deep/f": "mine"})
	if err := os.Symlink("nowhere", filepath.Join(out, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(out, "empty", "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	same, mine := inode(t, filepath.Join(out, "same")), inode(t, filepath.Join(out, "own/deep/f"))

	r = write(t, out, tree(t, "x", map[string]string{"same": "1", "d/changed": "2", "new": "2", "run.sh": "1", "shape/f": "2"}))
	if want := (Result{Written: 4, Unchanged: 2, Deleted: 2, Foreign: 5}); r != want {
		t.Errorf("second write: %+v, want %+v", r, want)
	}
	wantDisk(t, out, map[string]string{"same": "1", "d/changed": "2", "new": "2", "run.sh": "1", "shape/f": "2",
		"notes.txt": "mine", "d/mine": "mine", "gone/mine": "mine", "own/deep/f": "mine", "link": "→ nowhere"})
	if now := inode(t, filepath.Join(out, "same")); !os.SameFile(same, now) || !same.ModTime().Equal(now.ModTime()) {
		t.Error("an unchanged file has another inode or time")
	}
	if !os.SameFile(mine, inode(t, filepath.Join(out, "own/deep/f"))) {
		t.Error("a foreign file was copied")
	}
	if _, err := os.Stat(filepath.Join(out, "gone/deep")); err == nil {
		t.Error("an empty directory of ours stayed")
	}
	if m := inode(t, filepath.Join(out, "empty/dir")).Mode().Perm(); m != 0o700 {
		t.Errorf("a foreign empty directory has mode %v", m)
	}
}

func TestWriteUnchangedTouchesNothing(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	files := map[string]string{"a": "1", "b/c": "2"}
	write(t, out, tree(t, "x", files))
	put(t, out, map[string]string{"mine": "m"})
	before := inode(t, out)
	r := write(t, out, tree(t, "x", files))
	if want := (Result{Unchanged: 3, Foreign: 1}); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	if !os.SameFile(before, inode(t, out)) {
		t.Error("the directory was swapped for nothing")
	}
	wantDisk(t, out, map[string]string{"a": "1", "b/c": "2", "mine": "m"})
}

// TestReplacedWhileCompared has somebody replace a file after it was found unchanged: the build is refused, and nothing of
// it is written.
func TestReplacedWhileCompared(t *testing.T) {
	for name, meanwhile := range map[string]func(file string) error{
		"replaced": func(file string) error {
			if err := os.WriteFile(file+".mine", []byte("9"), 0o644); err != nil {
				return err
			}
			later := time.Now().Add(time.Second)
			return errors.Join(os.Chtimes(file+".mine", later, later), os.Rename(file+".mine", file))
		},
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			write(t, out, tree(t, "x", map[string]string{"same": "1", "other": "1"}))
			u, err := Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			if err := u.Add(tree(t, "x", map[string]string{"same": "1", "other": "2"})); err != nil {
				t.Fatal(err)
			}
			if err := meanwhile(filepath.Join(out, "same")); err != nil {
				t.Fatal(err)
			}
			if _, err := u.Commit(); err == nil || !strings.Contains(err.Error(), "same was changed by somebody else") {
				t.Errorf("error %v", err)
			}
			if text, err := os.ReadFile(filepath.Join(out, "other")); err != nil || string(text) != "1\n" {
				t.Errorf("the other file has %q, %v", text, err)
			}
		})
	}
}

func TestWriteManySites(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	x := tree(t, "x", map[string]string{"base/1": "shared", "base/2": "shared", "x/f": "1"})
	y := tree(t, "y", map[string]string{"base/1": "shared", "y/f": "1"})
	if r, want := write(t, out, x, y), (Result{Written: 6}); r != want {
		t.Errorf("both: %+v, want %+v", r, want)
	}
	// x alone no longer needs the base; y still does.
	r := write(t, out, tree(t, "x", map[string]string{"x/g": "2"}))
	if want := (Result{Written: 2, Deleted: 2}); r != want {
		t.Errorf("x alone: %+v, want %+v", r, want)
	}
	wantDisk(t, out, map[string]string{"base/1": "shared", "x/g": "2", "y/f": "1"})
	// What another site's manifest lists is no foreign file: a newer meshgen may write it anew.
	future := time.Now().Add(time.Hour) // and though the clock that wrote it was ahead
	if err := os.Chtimes(filepath.Join(out, "base/1"), future, future); err != nil {
		t.Fatal(err)
	}
	write(t, out, tree(t, "x", map[string]string{"base/1": "newer"}))
	wantDisk(t, out, map[string]string{"base/1": "newer", "y/f": "1"})

	for name, trees := range map[string][]*Tree{
		"disagree": {tree(t, "a", map[string]string{"f": "1"}), tree(t, "b", map[string]string{"f": "2"})},
		"twice":    {x, x},
		"manifest": {NewTree()},
	} {
		if _, err := Write(out, trees...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
	}
	wantDisk(t, out, map[string]string{"base/1": "newer", "y/f": "1"})
}

func TestWriteRefusesForeign(t *testing.T) {
	tests := []struct {
		name    string
		foreign map[string]string
		want    string // named in the error; "" for none
	}{
		{"other content", map[string]string{"a/b": "mine"}, "a/b"},
		{"same content", map[string]string{"a/b": "ours\n"}, ""},
		{"file where a directory must be", map[string]string{"a": "mine"}, "a"},
		{"directory where a file must be", map[string]string{"a/b/deep/c": "mine"}, "a/b/deep/c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			put(t, out, tt.foreign)
			before := disk(t, out)
			ours := tree(t, "x", map[string]string{"a/b": "ours"})
			_, checkErr := Check(out, ours)
			_, err := Write(out, ours)
			if tt.want == "" {
				if err != nil || checkErr != nil {
					t.Fatal(err, checkErr)
				}
				return
			}
			for _, err := range []error{err, checkErr} {
				if err == nil || !strings.Contains(err.Error(), " "+tt.want+";") {
					t.Errorf("error %v, want one that names %s", err, tt.want)
				}
			}
			wantDisk(t, out, before)
		})
	}
}

func TestWriteFollowsSymlink(t *testing.T) {
	dir := t.TempDir()
	real, out := filepath.Join(dir, "real"), filepath.Join(dir, "out")
	if err := os.Mkdir(real, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", out); err != nil {
		t.Fatal(err)
	}
	write(t, out, tree(t, "x", map[string]string{"a": "1"}))
	write(t, out, tree(t, "x", map[string]string{"a": "2"}))
	wantDisk(t, real, map[string]string{"a": "2"})
	if target, err := os.Readlink(out); err != nil || target != "real" {
		t.Errorf("the link is now %q, %v", target, err)
	}
	if c, err := Check(out, tree(t, "x", map[string]string{"a": "2"})); err != nil || !c.Empty() {
		t.Errorf("check through the link: %v, %v", c, err)
	}
}

func TestWriteRefusesOutput(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"file": "", "other/meshgen/x.json": "{}", "box/mine": "", ".box.meshgen/mine": ""})
	if err := os.Symlink("nothing", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]string{
		filepath.Join(dir, "file"):     "not a directory",
		filepath.Join(dir, "dangling"): "link to nothing",
		filepath.Join(dir, "other"):    "outputVersion 0",
		filepath.Join(dir, "box"):      "holds mine",
		"/":                            "cannot be an output directory",
	} {
		if _, err := Write(out, tree(t, "x", nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", out, err, want)
		}
	}
}

func TestUpdateWithoutCommitLeavesNothing(t *testing.T) {
	for _, there := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out")
		if there {
			put(t, out, map[string]string{"mine": "m"})
		}
		u, err := Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Add(tree(t, "x", map[string]string{"a": "1"})); err != nil {
			t.Fatal(err)
		}
		if err := u.Close(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(filepath.Dir(out))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 1}[there]; len(entries) != want {
			t.Errorf("directory there before: %v; left are %v", there, entries)
		}
	}
}

// What happens to foreign files while a build is under way: one appears, one is replaced, one goes.
func TestWriteMeanwhile(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	write(t, out, tree(t, "x", map[string]string{"a": "1"}))
	put(t, out, map[string]string{"replaced": "old", "deleted": "old", "stays": "s"})
	u, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if err := u.Add(tree(t, "x", map[string]string{"a": "2"})); err != nil {
		t.Fatal(err)
	}
	if _, err := u.cmp.settle(); err != nil {
		t.Fatal(err)
	}
	if _, err := u.carry(); err != nil {
		t.Fatal(err)
	}
	put(t, out, map[string]string{"deep/down/new": "n", "next": "new"})
	if err := os.Rename(filepath.Join(out, "next"), filepath.Join(out, "replaced")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(out, "deleted")); err != nil {
		t.Fatal(err)
	}
	if ok, err := u.swap(); !ok || err != nil {
		t.Fatal(ok, err, u.fallback)
	}
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	wantDisk(t, out, map[string]string{"a": "2", "replaced": "new", "stays": "s", "deep/down/new": "n"})
}

// What a killed build leaves, at either side of the swap, goes with the next one.
func TestWriteReclaims(t *testing.T) {
	for _, swapped := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out")
		write(t, out, tree(t, "x", map[string]string{"a": "1", "old": "1"}))
		put(t, out, map[string]string{"mine": "m"})
		u, err := Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Add(tree(t, "x", map[string]string{"a": "2"})); err != nil {
			t.Fatal(err)
		}
		if _, err := u.cmp.settle(); err != nil {
			t.Fatal(err)
		}
		if _, err := u.carry(); err != nil {
			t.Fatal(err)
		}
		put(t, out, map[string]string{"late": "l"})
		if swapped {
			to := filepath.Join(u.box, swapping)
			if err := os.Rename(filepath.Join(u.box, staging), to); err != nil {
				t.Fatal(err)
			}
			if err := exchange(out, to); err != nil {
				t.Fatal(err)
			}
		}
		if err := u.unlock(); err != nil { // as the kill does
			t.Fatal(err)
		}
		write(t, out, tree(t, "x", map[string]string{"a": "3"}))
		wantDisk(t, out, map[string]string{"a": "3", "mine": "m", "late": "l"})
	}
}

// As long as a generated file is in the old tree, so is the manifest that tells that it is no foreign one.
func TestDrainTakesManifestsLast(t *testing.T) {
	dir := t.TempDir()
	old, out := filepath.Join(dir, "old"), filepath.Join(dir, "out")
	put(t, old, map[string]string{"a": "", "meshgen/x.json": "", "z": ""})
	asked := false
	err := drain(old, out, func(name string) bool {
		asked = asked || name == "z"
		if name == "z" && !exists(filepath.Join(old, "meshgen/x.json")) {
			t.Error("the manifest went before z")
		}
		return true
	})
	if err != nil || !asked || exists(old) {
		t.Errorf("error %v, asked about z: %v, old tree there: %v", err, asked, exists(old))
	}
}

// Builds that come at the same time follow each other.
func TestWriteTogether(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for j := range 5 {
				v := fmt.Sprint(i, j)
				if _, err := Write(out, tree(t, "x", map[string]string{"a": v, "b": v, v: v})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	last := disk(t, out)["a"]
	wantDisk(t, out, map[string]string{"a": last, "b": last, last: last})
}

func TestCheck(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	next := tree(t, "x", map[string]string{"same": "1", "changed": "2", "added": "2", "mode.sh": "1"})
	c, err := Check(out, next)
	if err != nil || len(c.Added) != 5 {
		t.Errorf("nothing there: %v, %v", c, err)
	}
	write(t, out, tree(t, "x", map[string]string{"same": "1", "changed": "1", "removed": "1", "mode.sh": "1"}))
	put(t, out, map[string]string{"mine": "m"})
	if err := os.Chmod(filepath.Join(out, "mode.sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err = Check(out, next)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct {
		name      string
		got, want []string
	}{
		{"added", c.Added, []string{"added"}},
		{"changed", c.Changed, []string{"changed", "meshgen/x.json", "mode.sh"}},
		{"removed", c.Removed, []string{"removed"}},
	} {
		if !slices.Equal(l.got, l.want) {
			t.Errorf("%s: %q, want %q", l.name, l.got, l.want)
		}
	}
	write(t, out, next)
	if c, err := Check(out, next); err != nil || !c.Empty() {
		t.Errorf("after the write: %v, %v", c, err)
	}
}

func TestManifest(t *testing.T) {
	tr := tree(t, "x", map[string]string{"b.sh": "<b>", "a": "1"})
	data := tr.Lookup("meshgen/x.json").Bytes()
	m, err := ReadManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	if m.Site != "x" || m.Digest != "0123" || m.OutputVersion != OutputVersion || len(m.Files) != 2 {
		t.Fatalf("%+v", m)
	}
	sum := sha256.Sum256([]byte("<b>\n"))
	if e := m.Files[1]; e.Path != "b.sh" || e.Mode != "0755" || e.SHA256 != hex.EncodeToString(sum[:]) || !slices.Equal(e.Origins, []string{"sites.x"}) {
		t.Errorf("entry %+v", e)
	}
	if e := m.Files[0]; e.Path != "a" || e.Mode != "" {
		t.Errorf("entry %+v", e)
	}
	if !strings.HasPrefix(string(data), "{\n  \"site\"") || !strings.HasSuffix(string(data), "}\n") || strings.HasSuffix(string(data), "\n\n") {
		t.Errorf("form of %q", data)
	}
	tr.File("late")
	if tr.Err() == nil {
		t.Error("a sealed tree took a file")
	}
	for _, bad := range []string{"", "[]", `{"outputVersion":0}`, `{"outputVersion":999}`, `{"outputVersion":1,"files":[{"path":"../x"}]}`} {
		if m, err := ReadManifest([]byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, m)
		}
	}
}

// Sites that are no longer given stay until they are pruned; pruning takes their files and nothing else, in one swap and
// file by file.
func TestPrune(t *testing.T) {
	for _, fallback := range []string{"", "for the test"} {
		dir := filepath.Join(t.TempDir(), "out")
		write(t, dir, tree(t, "one", map[string]string{"a/one": "1", "base": "b"}), tree(t, "two", map[string]string{"a/two": "2", "base": "b"}),
			tree(t, "three", map[string]string{"a/three": "3"}))
		put(t, dir, map[string]string{"a/mine": "m"})
		u, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		u.fallback = fallback
		if err := u.Add(tree(t, "two", map[string]string{"a/two": "2", "base": "b"})); err != nil {
			t.Fatal(err)
		}
		if others, err := u.Others(); err != nil || !slices.Equal(others, []string{"one", "three"}) {
			t.Errorf("others are %v, %v", others, err)
		}
		if gone, err := u.Prune(); err != nil || !slices.Equal(gone, []string{"one", "three"}) {
			t.Errorf("%v go, %v", gone, err)
		}
		res, err := u.Commit()
		if err := u.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || res.Deleted != 4 || res.Fallback != fallback {
			t.Errorf("%+v, %v", res, err)
		}
		want := map[string]string{"a/two": "2", "base": "b", "a/mine": "m"}
		if got := disk(t, dir); !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if names, err := manifestsIn(dir); err != nil || !slices.Equal(names, []string{ManifestPath("two")}) {
			t.Errorf("manifests %v, %v", names, err)
		}
		c, err := NewChecker(dir)
		if err == nil {
			_, err = c.Prune()
		}
		if ch, err2 := c.Changes(); err != nil || err2 != nil || len(ch.Removed) != 3 { // base, a/two and the manifest
			t.Errorf("%v, %v, %v", ch, err, err2)
		}
	}
}

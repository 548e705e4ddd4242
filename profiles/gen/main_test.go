package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The embedded JSON is what the CUE says, and nothing else lies beside it.
func TestFresh(t *testing.T) {
	var want []string
	for _, kind := range kinds {
		want = append(want, kind+".json")
		data, err := evaluate("..", kind)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		old, err := os.ReadFile(filepath.Join("..", "json", kind+".json"))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(old, data) {
			t.Errorf("json/%s.json is stale: run go generate ./profiles", kind)
		}
	}
	entries, err := os.ReadDir("../json")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("json holds %v, want %v", got, want)
	}
}

// Every folder of profiles is one of the kinds: a new one must not be left out of the JSON.
func TestKindsAreTheFolders(t *testing.T) {
	shapes, err := filepath.Glob("../*/shape.cue")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range shapes {
		got = append(got, filepath.Base(filepath.Dir(s)))
	}
	if !slices.Equal(got, kinds) {
		t.Errorf("folders %v, kinds %v", got, kinds)
	}
}

// The shapes refuse what they do not know, and say where it stands.
func TestShapesRefuse(t *testing.T) {
	for text, want := range map[string]string{
		`os: "debian12": colour: "red"`:                  `os.debian12.colour: field not allowed`,
		`os: "debian12": kernel: "5.10"`:                 `os.debian12.kernel: conflicting values`,
		`os: "Debian 13": {}`:                            `os."Debian 13": field not allowed`,
		`os: "debian99": {family: "debian"}`:             `os.debian99.kernel: field is required`,
		`os: "debian12": sources: leap: date: "tuesday"`: `os.debian12.sources.leap.date`,
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("..")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "os", "zz.cue"), []byte("package profiles\n"+text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := evaluate(dir, "os"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

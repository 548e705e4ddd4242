package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// block is a fenced block of the README.
type block struct{ language, text string }

func readme(t *testing.T) []block {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var now *block
	for line := range strings.Lines(string(text)) {
		switch lang, fence := strings.CutPrefix(line, "```"); {
		case fence && now == nil:
			now = &block{language: strings.TrimSpace(lang)}
		case fence:
			out, now = append(out, *now), nil
		case now != nil:
			now.text += line
		}
	}
	return out
}

// TestReadmeExcerpts finds each excerpt of the README where it says that it stands.
func TestReadmeExcerpts(t *testing.T) {
	site, err := os.ReadFile("../../examples/fra1/site.cue")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range readme(t) {
		if b.language == "cue" {
			n++
			if !strings.Contains(flat(string(site)), flat(b.text)) {
				t.Errorf("not in the example:\n%s", b.text)
			}
			continue
		}
		first, rest, _ := strings.Cut(b.text, "\n")
		if len(first) < 2 || !strings.HasPrefix(first[1:], " out/") {
			continue
		}
		n++
		golden, err := os.ReadFile(filepath.Join("../../golden/fra1", strings.TrimPrefix(first[1:], " out/")))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(flat(string(golden)), flat(rest)) {
			t.Errorf("%s has no\n%s", first, rest)
		}
	}
	if n < 4 {
		t.Errorf("%d excerpts checked", n)
	}
}

// flat takes indentation away.
func flat(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// TestReadmeCommands runs the README's meshgen commands, one after the other, in an empty folder.
func TestReadmeCommands(t *testing.T) {
	blocks := readme(t)
	t.Chdir(t.TempDir())
	n := 0
	for _, b := range blocks {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(b.text) {
			words, _, _ := strings.Cut(strings.TrimSpace(line), "#")
			args, ok := strings.CutPrefix(words, "bin/meshgen ")
			if !ok {
				continue
			}
			n++
			var stderr bytes.Buffer
			c := &command{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &stderr, env: func(name string) (string, bool) {
				return "2026-12-01", name == "MESHGEN_NOW"
			}}
			if code := c.main(strings.Fields(args)); code != exitClean {
				t.Fatalf("%s: exit %d\n%s", line, code, stderr.String())
			}
		}
	}
	if n < 3 {
		t.Errorf("%d commands run", n)
	}
}

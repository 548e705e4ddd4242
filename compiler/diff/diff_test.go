package diff_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	linediff "github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/diff"
)

// side makes a side of the files of an archive that stand below a folder.
func side(a *txtar.Archive, folder string) *diff.Side {
	s := &diff.Site{Name: "s"}
	for _, f := range a.Files {
		if path, ok := strings.CutPrefix(f.Name, folder+"/"); ok {
			s.Files = append(s.Files, &diff.File{Path: path, Data: f.Data, Mode: 0o644, Origin: func(int) (string, []string) { return "", nil }})
		}
	}
	return &diff.Side{Name: folder, Sites: []*diff.Site{s}}
}

// TestCases compares what testdata/NAME.txtar holds below old/ with what it holds below new/, and the text of it with the
// file "want".
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 4 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := diff.Text(&got, diff.Compare(side(a, "old"), side(a, "new")), false); err != nil {
				t.Fatal(err)
			}
			last := len(a.Files) - 1
			if a.Files[last].Name != "want" {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				last++
			}
			if os.Getenv("MESHGEN_UPDATE") != "" {
				a.Files[last].Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if want := a.Files[last].Data; !bytes.Equal(want, got.Bytes()) {
				t.Errorf("%s", linediff.Diff("want", want, "got", got.Bytes()))
			}
		})
	}
}

// TestMarkdownFits holds the Markdown of a large difference to its limit: the summary stays, and what is left out is told of.
func TestMarkdownFits(t *testing.T) {
	old, new := &txtar.Archive{}, &txtar.Archive{}
	for i := range 3000 {
		name := fmt.Sprintf("hosts/s/group-%d/etc/sysctl.d/90-meshgen.conf", i)
		old.Files = append(old.Files, txtar.File{Name: "old/" + name, Data: fmt.Appendf(nil, "net.a = %d\n", i)})
		new.Files = append(new.Files, txtar.File{Name: "new/" + name, Data: fmt.Appendf(nil, "net.a = %d\n", i+1)})
	}
	new.Files = append(new.Files, txtar.File{Name: "new/docs/s/RUNBOOK.md", Data: []byte("# Title\n\n```sh\nls\n```\n")})
	r := diff.Compare(side(old, "old"), side(new, "new"))
	var text bytes.Buffer
	if err := diff.Markdown(&text, r); err != nil {
		t.Fatal(err)
	}
	if n := text.Len(); n > diff.MarkdownLimit || n < diff.MarkdownLimit/2 {
		t.Errorf("%d bytes", n)
	}
	for _, want := range []string{"3001 changes.", "| files | 1 | 0 | 3000 |", "left out for length", "docs: 1"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	if open, end := strings.Count(text.String(), "<details>"), strings.Count(text.String(), "</details>"); open != end {
		t.Errorf("%d details begin, %d end", open, end)
	}
}

// TestPageStandsAlone holds the page to loading nothing and to showing text as text.
func TestPageStandsAlone(t *testing.T) {
	a := &txtar.Archive{Files: []txtar.File{
		{Name: "old/docs/s/A.md", Data: []byte("one\n")},
		{Name: "new/docs/s/A.md", Data: []byte("<script src=https://example.com></script>\n")},
	}}
	var page bytes.Buffer
	if err := diff.HTML(&page, diff.Compare(side(a, "old"), side(a, "new"))); err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"<script", "<link", "<img", "url("} {
		if strings.Contains(page.String(), not) {
			t.Errorf("the page has %s", not)
		}
	}
	if !strings.Contains(page.String(), "&lt;script") {
		t.Error("the text is not shown")
	}
}

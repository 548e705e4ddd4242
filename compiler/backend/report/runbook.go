package report

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"meshgen.dev/meshgen/compiler/artifact"
)

// markdown reads the runbook, which is ours. Raw elements in it would be left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// book carries the runbook, each chapter to be opened by itself, so that the page is enough when the network is not.
func book(w *writer, f *artifact.File) {
	w.section("runbook", "Runbook", f.Origins()...)
	chapters := chaptersOf(string(f.Bytes()))
	for i, c := range chapters {
		if i == 0 {
			w.Line(rendered(c.body))
			continue
		}
		w.put(`<details class="chapter" id="runbook-`, esc(c.anchor), `"><summary><h3>`, esc(c.title), "</h3></summary>")
		w.Line(rendered(c.body))
		w.put("</details>")
	}
	w.end()
}

type chapter struct{ title, anchor, body string }

// chaptersOf divides a document at its headings of the second level; the first part is what stands before them, without
// the title.
func chaptersOf(s string) []chapter {
	out := []chapter{{}}
	fenced := false
	var body strings.Builder
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		title, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "## ")
		switch {
		case ok && !fenced:
			out[len(out)-1].body = body.String()
			body.Reset()
			out = append(out, chapter{title: title, anchor: anchor(title)})
		case !fenced && (strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "<!--")):
		default:
			body.WriteString(line)
		}
	}
	out[len(out)-1].body = body.String()
	return out
}

// anchor is the name by which a heading is linked to, as forges make it.
func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }

// rendered is Markdown as elements: headings a level lower, links into the runbook led to this page, and tables and
// commands that scroll by themselves where they are too wide.
func rendered(s string) string {
	source := []byte(s)
	doc := markdown.Parser().Parse(text.NewReader(source))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Heading:
				n.Level = min(n.Level+1, 6)
			case *ast.Link:
				if to, ok := bytes.CutPrefix(n.Destination, []byte("#")); ok {
					n.Destination = append([]byte("#runbook-"), to...)
				}
			}
		}
		return ast.WalkContinue, nil
	})
	var b bytes.Buffer
	_ = markdown.Renderer().Render(&b, source, doc) // writing to memory does not fail
	out := b.String()
	for _, r := range [][2]string{
		{"<table>", `<div class="scroll" role="region" tabindex="0" aria-label="Table"><table>`}, {"</table>", "</table></div>"},
		{"<pre>", `<pre tabindex="0">`},
	} {
		out = strings.ReplaceAll(out, r[0], r[1])
	}
	return strings.TrimSpace(out)
}

package diff

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.html
var page string

// pageTemplate is the HTML form: one file that loads nothing.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"title": func(c Change) string { return c.title() }, "because": func(h Hunk) string { return h.because() },

	"edit": func(e Edit) string { return e.Text() }, "word": func(s Status) string { return marked[s] }, "others": func(c Change) string { return c.others(len(c.Places)) },
}).Parse(page))

type sectionHTML struct {
	Name    string
	Changes []Change
}

type rowHTML struct {
	Name  string
	Tally *Tally
	Words string
}

// HTML writes a result as a page that stands alone.
func HTML(w io.Writer, r *Result) error {
	data := struct {
		*Result
		Counts   string
		Rows     []rowHTML
		Sections []sectionHTML
	}{Result: r, Counts: r.counts()}
	for _, row := range r.Summary.rows() {
		if row.tally.Total() > 0 {
			data.Rows = append(data.Rows, rowHTML{row.name, row.tally, row.words(mostNames)})
		}
	}
	for _, name := range Components {
		if changes := r.ofComponent(name); len(changes) > 0 {
			data.Sections = append(data.Sections, sectionHTML{name, changes})
		}
	}
	return pageTemplate.Execute(w, data)
}

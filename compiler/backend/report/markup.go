package report

import (
	"html"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// markup is text that may hold elements. All else becomes markup by esc.
type markup string

func esc(s string) markup { return markup(html.EscapeString(s)) }

func code(s string) markup {
	if s == "" {
		return ""
	}
	return "<code>" + esc(s) + "</code>"
}

// codes are several, each unbroken, with room to break between them.
func codes(in []string) markup {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(code(s))
	}
	return markup(strings.Join(out, " "))
}

func number[N int | uint16 | uint32](n N) markup { return markup(strconv.FormatUint(uint64(n), 10)) }

// count is "1 rack", "2 racks".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// writer writes a file of elements, line by line, so that each line has its origin.
type writer struct {
	*artifact.File
	tables int // begun, for their ids
}

// put writes one line of parts; a string is text, markup is not.
func (w *writer) put(parts ...markup) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	var b strings.Builder
	b.Grow(n)
	for _, p := range parts {
		b.WriteString(string(p))
	}
	w.Line(b.String())
}

// section begins a part of the page with a heading that links lead to.
func (w *writer) section(id, title string, from ...string) {
	w.Begin(append([]string{"name"}, from...)...)
	w.put(`<section id="`, esc(id), `" aria-labelledby="`, esc(id), `-title">`)
	w.put(`<h2 id="`, esc(id), `-title">`, esc(title), `</h2>`)
}

func (w *writer) end() {
	w.Fixed()
	w.put("</section>")
}

func (w *writer) text(s markup) { w.put("<p>", s, "</p>") }

// cell of a table: what stands in it, and how.
type cell struct {
	text  markup
	class string
}

func plain(m markup) cell                     { return cell{text: m} }
func right[N int | uint16 | uint32](n N) cell { return cell{number(n), "n"} }
func shade(class string, text markup) cell    { return cell{text, class} }
func width(percent int) markup                { return number(max(0, min(percent, 100))) }
func named(s string) cell                     { return cell{text: code(s)} }
func words(s string) cell                     { return cell{text: esc(s)} }
func all(in []string) cell                    { return cell{text: codes(in)} }
func heading(title string) column             { return column{title, ""} }
func figure(title string) column              { return column{title, "n"} }

// meter draws a part of a whole; what it says stands beside it as text.
func meter(percent int) markup {
	level := "ok"
	switch {
	case percent >= 90:
		level = "bad"
	case percent >= 75:
		level = "part"
	}
	return `<span class="meter ` + markup(level) + `" aria-hidden="true"><i style="width:` + width(percent) + `%"></i></span> `
}

// column of a table.
type column struct{ title, class string }

// fold is from how many rows on a table is shown when it is asked for.
const fold = 40

// few columns are set beside each other, not over the width of the page.
const few = 5

// table begins a table of so many rows; its caption is its name for those who hear it. close ends it.
func (w *writer) table(caption string, rows int, columns ...column) (end func()) {
	w.Fixed()
	w.tables++
	id := "table-" + number(w.tables)
	if rows > fold {
		w.put("<details><summary>", esc(caption), " (", number(rows), " rows)</summary>")
	}
	w.put(`<div class="scroll" role="region" tabindex="0" aria-labelledby="`, id, `">`)
	if len(columns) <= few {
		w.put(`<table class="narrow">`)
	} else {
		w.put("<table>")
	}
	w.put(`<caption id="`, id, `">`, esc(caption), "</caption>")
	var b strings.Builder
	b.WriteString("<thead><tr>")
	for _, c := range columns {
		b.WriteString(`<th scope="col"` + class(c.class) + ">" + string(esc(c.title)) + "</th>")
	}
	w.Line(b.String() + "</tr></thead>")
	w.put("<tbody>")
	return func() {
		w.Fixed()
		w.put("</tbody></table></div>")
		if rows > fold {
			w.put("</details>")
		}
	}
}

// row writes the cells of a table; the first names the row. An empty cell is a dash.
func (w *writer) row(cells ...cell) {
	var b strings.Builder
	b.WriteString("<tr>")
	for i, c := range cells {
		if c.text == "" {
			c.text = "–"
		}
		if i == 0 {
			b.WriteString(`<th scope="row"` + class(c.class) + ">" + string(c.text) + "</th>")
			continue
		}
		b.WriteString("<td" + class(c.class) + ">" + string(c.text) + "</td>")
	}
	w.Line(b.String() + "</tr>")
}

func class(name string) string {
	if name == "" {
		return ""
	}
	return ` class="` + name + `"`
}

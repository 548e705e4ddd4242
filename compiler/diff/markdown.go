package diff

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// MarkdownLimit is how many characters the Markdown form has at most: what a comment on a pull request may have, with some
// to spare for what is written around it. Bytes are counted, which are never fewer.
const MarkdownLimit = 65_000

// Markdown writes a result for a comment on a pull request: the summary, the edits of the description, and the changes
// folded by component. What does not fit is left out from the end, hunks first, and told of.
func Markdown(w io.Writer, r *Result) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### %s → %s\n\n%s\n", code(r.Old), code(r.New), r.counts())
	rows := ""
	for _, row := range r.Summary.rows() {
		if row.tally.Total() > 0 {
			rows += fmt.Sprintf("| %s | %d | %d | %d | %s |\n", row.name, len(row.tally.Added), len(row.tally.Removed), len(row.tally.Changed), cell(row.words(mostNames)))
		}
	}
	if rows != "" {
		b.WriteString("\n| | added | removed | changed | |\n| --- | --: | --: | --: | --- |\n" + rows)
	}
	if len(r.Edits) > 0 {
		b.WriteString("\n**Description**\n\n")
		for i, e := range r.Edits {
			if b.Len() > MarkdownLimit/4 {
				fmt.Fprintf(&b, "- … %d more\n", len(r.Edits)-i)
				break
			}
			line := "- " + marked[e.Status] + " " + code(clip(e.Text()))
			if e.Pos.IsValid() {
				line += fmt.Sprintf(" %s:%d", e.Pos.File, e.Pos.Line)
			}
			b.WriteString(line + "\n")
		}
	}
	for _, name := range Components {
		changes := r.ofComponent(name)
		if len(changes) == 0 {
			continue
		}
		section(&b, name, changes)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// marked are words for what happened.
var marked = map[Status]string{Added: "added", Removed: "removed", Changed: "changed", Renamed: "renamed", Cosmetic: "cosmetic"}

// reserve is kept for what ends the sections to come.
const reserve = 600

// section writes one component, as much of it as fits.
func section(b *bytes.Buffer, name string, changes []Change) {
	n := 0
	for _, c := range changes {
		n += len(c.Places)
	}
	end := "\n</details>\n"
	head := fmt.Sprintf("\n<details><summary>%s: %d</summary>\n", name, n)
	left := func() int { return MarkdownLimit - reserve - b.Len() - len(end) }
	if left() < len(head) {
		if text := fmt.Sprintf("\n%s: %d, left out for length\n", name, n); b.Len()+len(text) <= MarkdownLimit {
			b.WriteString(text)
		}
		return
	}
	b.WriteString(head)
	for i := range changes {
		full, short := markdownChange(&changes[i])
		switch {
		case len(full) <= left():
			b.WriteString(full)
		case len(short) <= left():
			b.WriteString(short)
		default:
			fmt.Fprintf(b, "\n… %d more, left out for length\n", len(changes)-i)
			b.WriteString(end)
			return
		}
	}
	b.WriteString(end)
}

// markdownChange is a change with its hunks, and without.
func markdownChange(c *Change) (full, short string) {
	head := fmt.Sprintf("\n**%s** %s\n", marked[c.Status], code(clip(c.title())))
	if len(c.Places) > 1 {
		head += "also " + code(clip(c.others(mostNames))) + "\n"
	}
	if len(c.Hunks) == 0 {
		return head, head
	}
	var body, whys strings.Builder
	last := ""
	for i, h := range c.Hunks {
		if h.At != "" && (i == 0 || h.At != c.Hunks[i-1].At) {
			fmt.Fprintf(&body, "  %s\n", clip(h.At))
		}
		for _, l := range c.shorten(h.Old) {
			body.WriteString("- " + clip(l) + "\n")
		}
		for _, l := range c.shorten(h.New) {
			body.WriteString("+ " + clip(l) + "\n")
		}
		if why := h.because(); why != "" && why != last {
			last = why
			whys.WriteString("- " + clip(why) + "\n")
		}
	}
	fence := "```"
	for strings.Contains(body.String(), fence) {
		fence += "`"
	}
	full = head + "\n" + fence + "diff\n" + body.String() + fence + "\n"
	if whys.Len() > 0 {
		full += "\n" + whys.String()
	}
	return full, head + "\nhunks left out for length\n"
}

// clip shortens a line that nobody reads to its end.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}

// code makes a text stand for itself in Markdown.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

package diff

import (
	"bytes"
	"fmt"
	"io"
)

// Limits of what text and Markdown show of one thing.
const (
	mostNames = 8  // in a list
	mostLines = 40 // of a hunk, each way
	mostWhole = 12 // of what came or went as a whole
)

// Text writes a result for a terminal.
func Text(w io.Writer, r *Result, color bool) error {
	var b bytes.Buffer
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	fmt.Fprintf(&b, "%s → %s: %s\n", r.Old, r.New, r.counts())
	for _, row := range r.Summary.rows() {
		if row.tally.Total() > 0 {
			fmt.Fprintf(&b, "  %-13s %s\n", row.name, row.words(mostNames))
		}
	}
	if len(r.Edits) > 0 {
		b.WriteString("\ndescription\n")
		for _, e := range r.Edits {
			line := "  " + marks[e.Status] + " " + e.Text()
			if e.Pos.IsValid() {
				line += fmt.Sprintf("   %s:%d", e.Pos.File, e.Pos.Line)
			}
			b.WriteString(line + "\n")
		}
	}
	for _, name := range Components {
		changes := r.ofComponent(name)
		if len(changes) > 0 {
			fmt.Fprintf(&b, "\n%s\n", name)
		}
		for _, c := range changes {
			fmt.Fprintf(&b, "  %s %s\n", marks[c.Status], paint("1", c.title()))
			if len(c.Places) > 1 {
				fmt.Fprintf(&b, "      also %s\n", c.others(mostNames))
			}
			for i, h := range c.Hunks {
				indent := "      "
				if h.At != "" {
					if i == 0 || h.At != c.Hunks[i-1].At {
						fmt.Fprintf(&b, "%s%s\n", indent, h.At)
					}
					indent += "  "
				}
				for _, l := range c.shorten(h.Old) {
					b.WriteString(indent + paint("31", "- "+l) + "\n")
				}
				for _, l := range c.shorten(h.New) {
					b.WriteString(indent + paint("32", "+ "+l) + "\n")
				}
				last := i+1 == len(c.Hunks) || c.Hunks[i+1].because() != h.because() || c.Hunks[i+1].At != h.At
				if why := h.because(); why != "" && last {
					fmt.Fprintf(&b, "%s%s\n", indent, paint("2", why))
				}
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// shorten keeps the first lines.
func (c *Change) shorten(lines []string) []string {
	most := mostLines
	if c.Status == Added || c.Status == Removed {
		most = mostWhole
	}
	if len(lines) <= most+1 {
		return lines
	}
	return append(lines[:most:most], fmt.Sprintf("… %d more lines", len(lines)-most))
}

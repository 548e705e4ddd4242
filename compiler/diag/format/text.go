// Package format prints findings: in comes a diag.List, out goes text for people, or what a program reads: JSON, SARIF,
// workflow commands of GitHub, JUnit. All print the same list in the same order, that of diag.List.Sorted.
package format

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/fatih/color"

	"meshgen.dev/meshgen/compiler/diag"
)

// TextOptions say how Text prints. The zero value prints plain text without source lines.
type TextOptions struct {
	Color  bool                     // with ANSI colours
	Waived bool                     // waived findings too, each with the reason of its waiver
	Source func(file string) []byte // content of a file named in a position, nil when unknown; may be nil
}

// Text prints each finding as
//
//	file:line:col: error: message [MG0001]
//	    the source line
//	        ^
//	    file:line:col: note: the other party
//	    hint: what to write instead
//
// The first line stands alone, for editors and grep. A finding without position begins with "-" and names its site path
// on a line of its own. Values come from the user: control characters in them are shown as U+FFFD.
func Text(w io.Writer, l diag.List, opt TextOptions) error {
	p := newPrinter(opt)
	for _, f := range l {
		if f.Secret {
			p.src.hidden[diag.Pos{File: f.Pos.File, Line: f.Pos.Line}] = true
		}
	}
	for _, f := range l.Sorted() {
		if f.Waived == "" || opt.Waived {
			p.finding(f)
		}
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// margin is what every line of a finding but the first begins with.
const margin = "    "

type printer struct {
	out   bytes.Buffer
	src   *source
	place *color.Color
	note  *color.Color
	caret *color.Color
	grave map[diag.Severity]*color.Color
}

func newPrinter(opt TextOptions) *printer {
	paint := func(attrs ...color.Attribute) *color.Color {
		c := color.New(attrs...)
		if opt.Color { // the caller decides, not the terminal of this process
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	note := paint(color.FgCyan, color.Bold)
	return &printer{
		src:   newSource(opt.Source),
		place: paint(color.Bold),
		note:  note,
		caret: paint(color.FgGreen, color.Bold),
		grave: map[diag.Severity]*color.Color{
			diag.Error: paint(color.FgRed, color.Bold), diag.Warning: paint(color.FgYellow, color.Bold), diag.Note: note,
		},
	}
}

func (p *printer) finding(f diag.Finding) {
	label := p.grave[f.Severity].Sprint(f.Severity.String() + ":")
	if f.Waived != "" {
		label = p.note.Sprint("waived " + f.Severity.String() + ":")
	}
	fmt.Fprintf(&p.out, "%s %s %s [%s]\n", p.place.Sprint(clean(f.Pos.String())+":"), label, clean(f.Message), f.Rule)
	if line, caret, ok := p.src.excerpt(f.Pos); ok {
		p.out.WriteString(margin + line + "\n")
		if caret != "" {
			p.out.WriteString(margin + caret[:len(caret)-1] + p.caret.Sprint("^") + "\n")
		}
	}
	if !f.Pos.IsValid() && f.Path != "" {
		p.detail("path", f.Path)
	}
	for _, r := range f.Related {
		where := clean(r.Path)
		if r.Pos.IsValid() {
			where = clean(r.Pos.String())
		}
		if where != "" {
			where = p.place.Sprint(where+":") + " "
		}
		fmt.Fprintf(&p.out, "%s%s%s %s\n", margin, where, p.note.Sprint("note:"), clean(r.Message))
	}
	if f.Hint != "" {
		p.detail("hint", f.Hint)
	}
	if f.Waived != "" {
		p.detail("reason", f.Waived)
	}
}

func (p *printer) detail(label, text string) {
	fmt.Fprintf(&p.out, "%s%s %s\n", margin, p.note.Sprint(label+":"), clean(text))
}

// clean keeps a text on its line, and a site from steering the terminal that shows its findings.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

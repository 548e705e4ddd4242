package format

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"meshgen.dev/meshgen/compiler/diag"
)

// GitHub prints each finding that is not waived as a workflow command, which GitHub Actions shows beside the line:
//
//	::error file=site.cue,line=3,col=7,title=MG1003 tor-asn-unique::message
//
// The other parties and the hint follow the message on lines of their own. source gives the content of a file named in a
// position and may be nil; columns are left out where it knows nothing.
func GitHub(w io.Writer, l diag.List, source func(file string) []byte) error {
	var out bytes.Buffer
	src := newSource(source)
	for _, f := range l.Sorted() {
		if f.Waived != "" {
			continue
		}
		command := f.Severity.String()
		if f.Severity == diag.Note {
			command = "notice"
		}
		fmt.Fprintf(&out, "::%s ", command)
		if f.Pos.IsValid() {
			fmt.Fprintf(&out, "file=%s,", property(f.Pos.File))
		}
		if f.Pos.IsValid() && f.Pos.Line > 0 {
			fmt.Fprintf(&out, "line=%d,", f.Pos.Line)
			if col := src.column(f.Pos); col > 0 {
				fmt.Fprintf(&out, "col=%d,", col)
			}
		}
		fmt.Fprintf(&out, "title=%s::%s\n", property(strings.TrimSpace(f.Rule+" "+f.Name)), data(strings.Join(paragraphs(f), "\n")))
	}
	_, err := w.Write(out.Bytes())
	return err
}

// paragraphs are the lines of a finding for formats that have a place of their own for its position: the message, the
// other parties, the hint.
func paragraphs(f diag.Finding) []string {
	lines := []string{clean(f.Message)}
	if !f.Pos.IsValid() && f.Path != "" {
		lines = append(lines, "path: "+clean(f.Path))
	}
	for _, r := range f.Related {
		lines = append(lines, strings.TrimPrefix(party(r)+": "+clean(r.Message), ": "))
	}
	if f.Hint != "" {
		lines = append(lines, "hint: "+clean(f.Hint))
	}
	return lines
}

// party names the place of another party, "" when there is none.
func party(r diag.Related) string {
	if r.Pos.IsValid() {
		return clean(r.Pos.String())
	}
	return clean(r.Path)
}

// data escapes the message of a workflow command, property the value of one of its properties.
func data(s string) string { return dataEscapes.Replace(visible(s)) }

func property(s string) string { return propertyEscapes.Replace(visible(s)) }

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// visible keeps line ends, which the escapes take care of, and no other control character.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\r' && r != '\n' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

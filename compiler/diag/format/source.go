package format

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"meshgen.dev/meshgen/compiler/diag"
)

const (
	tabWidth = 4   // columns between tab stops
	maxWidth = 120 // columns of a line that are shown; JSON may have all of a site on one
)

// source keeps the lines of the files that findings point at.
type source struct {
	read   func(file string) []byte
	lines  map[string][][]byte
	hidden map[diag.Pos]bool // lines that hold a secret
}

// newSource reads files with read, which may be nil.
func newSource(read func(file string) []byte) *source {
	return &source{read: read, lines: map[string][][]byte{}, hidden: map[diag.Pos]bool{}}
}

// line returns the line at a position without its end, nil when it cannot be had.
func (s *source) line(pos diag.Pos) []byte {
	if s.read == nil || !pos.IsValid() || pos.Line < 1 || s.hidden[diag.Pos{File: pos.File, Line: pos.Line}] {
		return nil
	}
	lines, known := s.lines[pos.File]
	if !known {
		lines = bytes.Split(s.read(pos.File), []byte("\n"))
		s.lines[pos.File] = lines
	}
	if pos.Line > len(lines) {
		return nil
	}
	return lines[pos.Line-1]
}

// column returns the column of a position in code points, 1-based, and 0 when it is unknown: positions count bytes, the
// programs that read findings count characters.
func (s *source) column(pos diag.Pos) int {
	line := s.line(pos)
	if pos.Column < 1 || pos.Column > len(line)+1 {
		return 0
	}
	return utf8.RuneCount(line[:pos.Column-1]) + 1
}

// excerpt returns the line at a position, tabs expanded, and a line that ends in a caret below the column; the caret is
// empty when the column is unknown.
func (s *source) excerpt(pos diag.Pos) (line, caret string, ok bool) {
	raw := bytes.TrimRight(s.line(pos), " \t\r")
	if len(raw) == 0 {
		return "", "", false
	}
	shown, at := expand(raw, pos.Column-1)
	shown, at = window(shown, at)
	if at >= 0 {
		caret = strings.Repeat(" ", at) + "^"
	}
	return string(shown), caret, true
}

// expand turns a line into one rune a column and returns the column (0-based) of the rune that holds the byte at offset,
// or -1 when the line has none there. The end of the line counts: something may be missing there.
func expand(raw []byte, offset int) (shown []rune, at int) {
	at = -1
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if offset >= i && offset < i+n {
			at = len(shown)
		}
		switch {
		case r == '\t':
			shown = append(shown, ' ')
			for len(shown)%tabWidth != 0 {
				shown = append(shown, ' ')
			}
		case unicode.IsControl(r):
			shown = append(shown, unicode.ReplacementChar)
		default:
			shown = append(shown, r)
		}
		i += n
	}
	if offset == len(raw) {
		at = len(shown)
	}
	return shown, at
}

// window cuts a long line to the part around a column.
func window(shown []rune, at int) ([]rune, int) {
	if len(shown) <= maxWidth {
		return shown, at
	}
	start := min(max(at-maxWidth/2, 0), len(shown)-maxWidth)
	cut := append([]rune(nil), shown[start:start+maxWidth]...)
	if start > 0 {
		cut[0] = '…'
	}
	if start+maxWidth < len(shown) {
		cut[maxWidth-1] = '…'
	}
	if at >= 0 {
		at -= start
	}
	return cut, at
}

package load

import (
	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"

	"meshgen.dev/meshgen/compiler/diag"
)

// Parsers and compilers recurse, and a Go stack that overflows ends the process. So input that could nest without
// bound is counted first. Both limits are some ten times beyond what a large site needs.
const (
	maxDepth = 200     // brackets within brackets
	maxParts = 20_000  // tokens of one expression
	harmless = 1 << 16 // a file of that size in bytes cannot nest deep enough to hurt
)

// tooDeep reports whether the file nests beyond the limits, and where.
func tooDeep(f file) (diag.Pos, bool) {
	if len(f.data) <= harmless || !suspicious(f.data) {
		return diag.Pos{}, false
	}
	var s scanner.Scanner
	src := token.NewFile(f.name, -1, len(f.data))
	s.Init(src, f.data, nil, 0)
	depth, parts := 0, 0
	for {
		pos, tok, _ := s.Scan()
		parts++
		switch tok {
		case token.EOF:
			return diag.Pos{}, false
		case token.LBRACE, token.LBRACK, token.LPAREN:
			depth, parts = depth+1, 0
		case token.RBRACE, token.RBRACK, token.RPAREN:
			depth--
		case token.COMMA:
			parts = 0
		case token.INTERPOLATION:
			s.ResumeInterpolation()
		}
		if depth > maxDepth || parts > maxParts {
			return posOf(pos), true
		}
	}
}

// suspicious is a quick test that no ordinary file passes: many open brackets, or long stretches without a comma or
// the end of a line. It errs on the side of suspicion.
func suspicious(data []byte) bool {
	depth, stretch := 0, 0
	var last byte
	for _, b := range data {
		stretch++
		switch b {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ',':
			stretch = 0
		case '\n':
			// A line that ends in an operator goes on.
			switch last {
			case '+', '-', '*', '/', '|', '&', '.', '=', '<', '>', '!', '(', ':', '~':
			default:
				stretch = 0
			}
		}
		if b > ' ' {
			last = b
		}
		if depth > maxDepth || stretch > maxParts {
			return true
		}
	}
	return false
}

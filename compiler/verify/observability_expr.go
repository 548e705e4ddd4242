package verify

import (
	"fmt"
	"regexp"
	"strings"
)

// expr is what a reader of PromQL can say of an expression without running it: its series with their labels, and what
// is wrong with its form. It knows the functions and operators that rules use; another is a fault, so that whoever adds
// one looks here.
type expr struct {
	series []exprSeries
	faults []string
}

// exprSeries is a metric with the labels that a selector names.
type exprSeries struct {
	metric string
	labels []string
}

var (
	exprToken    = regexp.MustCompile(`^(?:\s+|[a-zA-Z_][a-zA-Z0-9_:]*|[0-9]+[smhd]|[0-9.]+|\[[0-9]+[smhd]\]|"(?:[^"\\]|\\.)*"|=~|!~|!=|==|>=|<=|[-+*/<>={}(),])`)
	exprSpan     = regexp.MustCompile(`^[0-9]+[smhd]$`)
	exprName     = regexp.MustCompile(`^[a-zA-Z_]`)
	exprWords    = map[string]bool{"and": true, "or": true, "unless": true, "bool": true}
	exprGrouping = map[string]bool{"by": true, "on": true, "without": true, "ignoring": true}
	// exprFunctions are called with values; all of them are older than Prometheus 2.0.
	exprFunctions = map[string]bool{"sum": true, "count": true, "abs": true, "min_over_time": true, "absent": true, "rate": true, "increase": true, "time": true, "scalar": true, "vector": true, "histogram_quantile": true}
)

// parseExpr reads an expression.
func parseExpr(text string) expr {
	q := &exprReader{}
	for rest := text; rest != ""; {
		tok := exprToken.FindString(rest)
		if tok == "" {
			q.fault("%q is no part of an expression", rest)
			return q.out
		}
		rest = rest[len(tok):]
		if strings.TrimSpace(tok) != "" {
			q.tokens = append(q.tokens, tok)
		}
	}
	if len(q.tokens) == 0 {
		q.fault("no expression")
	}
	q.read()
	return q.out
}

type exprReader struct {
	tokens []string
	at     int
	out    expr
}

func (q *exprReader) fault(format string, args ...any) {
	q.out.faults = append(q.out.faults, fmt.Sprintf(format, args...))
}

// peek returns the token i behind the present one, "" behind the last.
func (q *exprReader) peek(i int) string {
	if q.at+i >= len(q.tokens) {
		return ""
	}
	return q.tokens[q.at+i]
}

func (q *exprReader) read() {
	depth := 0
	operand := false // the token before ends an operand
	for ; q.at < len(q.tokens); q.at++ {
		tok := q.tokens[q.at]
		switch {
		case tok == "(":
			depth++
			operand = false
		case tok == ")":
			if depth--; depth < 0 {
				q.fault("a parenthesis closes that none opens")
				return
			}
			operand = true
		case exprGrouping[tok]:
			q.skipNames()
			operand = false
		case tok == "offset":
			if !operand || !exprSpan.MatchString(q.peek(1)) {
				q.fault("offset is not a span of time behind a series")
			}
			q.at++
		case exprSpan.MatchString(tok):
			q.fault("%s stands behind no offset", tok)
		case exprWords[tok]:
			operand = false
		case exprName.MatchString(tok):
			if operand {
				q.fault("no operator before %q", tok)
			}
			operand = q.name(tok)
		case tok[0] >= '0' && tok[0] <= '9':
			if operand {
				q.fault("no operator before %q", tok)
			}
			operand = true
		case tok[0] == '[':
			if !operand {
				q.fault("a range %s of nothing", tok)
			}
		case strings.ContainsAny(tok, "{}\"") || tok == "=" || tok == "=~" || tok == "!~":
			q.fault("%s stands outside a selector", tok)
		default:
			operand = false
		}
	}
	if depth > 0 {
		q.fault("a parenthesis is not closed")
	}
	if !operand {
		q.fault("it ends in an operator")
	}
}

// name reads a function, or a metric with its selector; it reports whether an operand has ended.
func (q *exprReader) name(tok string) bool {
	next := q.peek(1)
	if next == "(" || exprGrouping[next] {
		if !exprFunctions[tok] && next == "(" {
			q.fault("%q is no function that rules use", tok)
		}
		return exprGrouping[next] && !exprFunctions[tok]
	}
	s := exprSeries{metric: tok}
	if next == "{" {
		q.at++
		s.labels = q.selector()
	}
	q.out.series = append(q.out.series, s)
	return true
}

// selector reads {name="value",…} from its brace on and stops at the closing one.
func (q *exprReader) selector() []string {
	var labels []string
	for {
		name, op, value := q.peek(1), q.peek(2), q.peek(3)
		if !exprName.MatchString(name) || op != "=" && op != "!=" && op != "=~" && op != "!~" || !strings.HasPrefix(value, `"`) {
			q.fault("a selector is not of the form {name=\"value\"}")
			return labels
		}
		labels = append(labels, name)
		q.at += 4
		switch q.peek(0) {
		case "}":
			return labels
		case ",":
		default:
			q.fault("a selector is not closed")
			return labels
		}
	}
}

// skipNames skips the list of label names behind "by" or "on".
func (q *exprReader) skipNames() {
	if q.peek(1) != "(" {
		q.fault("no list of labels behind %s", q.peek(0))
		return
	}
	for q.at++; q.at < len(q.tokens) && q.tokens[q.at] != ")"; q.at++ {
	}
	if q.peek(0) != ")" {
		q.fault("a list of labels is not closed")
	}
}

package rules_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestErrorsHaveHints reads the rules: what reports an error also says how to mend it. A report is hinted at in its own chain
// of calls, through the variable or the function that holds it, or by a function that it is handed to.
func TestErrorsHaveHints(t *testing.T) {
	files := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reports := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var above []ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			if called(n) == "Reportf" || called(n) == "ReportIn" {
				reports++
				if !mild(above) && !hinted(above) {
					t.Errorf("%s: an error without Hintf", files.Position(n.Pos()))
				}
			}
			above = append(above, n)
			return true
		})
	}
	if reports < 500 {
		t.Errorf("%d reports: the test reads too little", reports)
	}
}

// called is the name of the function or method that a node calls.
func called(n ast.Node) string {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// mild reports whether a node stands in a rule whose findings are no errors.
func mild(above []ast.Node) bool {
	for _, n := range above {
		rule, ok := n.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for _, e := range rule.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			key, _ := kv.Key.(*ast.Ident)
			value, _ := kv.Value.(*ast.SelectorExpr)
			if key != nil && value != nil && key.Name == "Severity" && value.Sel.Name != "Error" {
				return true
			}
		}
	}
	return false
}

// hinted reports whether the report below these nodes gets a hint.
func hinted(above []ast.Node) bool {
	for i, n := range slices.Backward(above) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if called(n) == "Hintf" || takesReport(called(n)) {
				return true
			}
		case *ast.AssignStmt: // r := p.Reportf(…), or report := func(…) { return p.Reportf(…) }
			name, ok := n.Lhs[0].(*ast.Ident)
			return ok && hintedLater(above[:i], name.Name)
		case *ast.FuncDecl:
			return false
		}
	}
	return false
}

// takesReport reports whether a function gives what it is handed a hint.
func takesReport(name string) bool {
	return slices.Contains([]string{"hint", "gatewayAPIToGive"}, name)
}

// hintedLater reports whether the function around has a hint for a variable, or for each call of it.
func hintedLater(above []ast.Node, name string) bool {
	var around ast.Node
	for _, n := range slices.Backward(above) {
		switch n.(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			around = n
		}
		if around != nil {
			break
		}
	}
	held, hints, calls := false, 0, 0
	ast.Inspect(around, func(n ast.Node) bool {
		switch {
		case called(n) == name:
			calls++
		case called(n) == "Hintf":
			at := n
			for {
				c, ok := at.(*ast.CallExpr)
				if !ok {
					break
				}
				s, ok := c.Fun.(*ast.SelectorExpr)
				if !ok {
					break
				}
				at = s.X
			}
			if id, ok := at.(*ast.Ident); ok && id.Name == name {
				held = true
			}
			if called(at) == name {
				hints++
			}
		case takesReport(called(n)):
			held = held || slices.ContainsFunc(n.(*ast.CallExpr).Args, func(a ast.Expr) bool {
				id, ok := a.(*ast.Ident)
				return ok && id.Name == name
			})
		}
		return true
	})
	return held || calls > 0 && hints == calls
}

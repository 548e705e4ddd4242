package istio

import (
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// Routes and policy lower a path to different patterns; both must match the same requests, by whole segments.
func TestPaths(t *testing.T) {
	requests := []string{"/", "/v1", "/v1/", "/v1/x", "/v1beta", "/v1beta/x", "/v2", "/v1/x/y"}
	tests := []struct {
		path ir.Path
		want []string
	}{
		{ir.Path{Value: "/"}, requests},
		{ir.Path{Value: "/", Exact: true}, []string{"/"}},
		{ir.Path{Value: "/v1"}, []string{"/v1", "/v1/", "/v1/x", "/v1/x/y"}},
		{ir.Path{Value: "/v1/"}, []string{"/v1", "/v1/", "/v1/x", "/v1/x/y"}},
		{ir.Path{Value: "/v1", Exact: true}, []string{"/v1"}},
		{ir.Path{Value: "/v1/x"}, []string{"/v1/x", "/v1/x/y"}},
	}
	for _, tt := range tests {
		var routed, allowed []string
		for _, r := range requests {
			if routeMatches(uriMatches(tt.path), r) {
				routed = append(routed, r)
			}
			if patternMatches(pathPatterns(tt.path), r) {
				allowed = append(allowed, r)
			}
		}
		want := strings.Join(tt.want, " ")
		if got := strings.Join(routed, " "); got != want {
			t.Errorf("%+v: route takes %s, want %s", tt.path, got, want)
		}
		if got := strings.Join(allowed, " "); got != want {
			t.Errorf("%+v: policy admits %s, want %s", tt.path, got, want)
		}
	}
}

// routeMatches is StringMatch: exact, or a prefix of characters.
func routeMatches(matches [][2]string, path string) bool {
	for _, m := range matches {
		if m[0] == "exact" && m[1] == path || m[0] == "prefix" && strings.HasPrefix(path, m[1]) {
			return true
		}
	}
	return false
}

// patternMatches is the matcher of AuthorizationPolicy: an asterisk at either end, else exact.
func patternMatches(patterns []string, s string) bool {
	for _, p := range patterns {
		prefix, isPrefix := strings.CutSuffix(p, "*")
		suffix, isSuffix := strings.CutPrefix(p, "*")
		switch {
		case p == "*", p == s, isPrefix && !isSuffix && strings.HasPrefix(s, prefix), isSuffix && strings.HasSuffix(s, suffix):
			return true
		}
	}
	return false
}

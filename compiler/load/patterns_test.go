package load

import (
	"strings"
	"testing"
)

// TestPatterns asks for what patterns of the schema take and leave.
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		at      string
		yes, no []string
	}{
		{"namespaces.a.services.b.expose.0.path",
			[]string{"/", "/v1", "/v1/", "/a.b/..c/.d", "/a%20b", "/a:b@c;d=1,2'(e)*", "/~me", "/..."},
			[]string{"", "v1", "/a//b", "//", "/a?b=1", "/a#b", "/.", "/./a", "/a/../b", "/a/..", "/a%2fb", "/a%2Fb", "/a%zz", "/{id}", "/a b", `/a"b`, `/a\b`, "/a|b", "/ü"}},
		{"namespaces.a.services.b.health.path",
			[]string{"/", "/healthz?full=1", "/ready?a=/../b&c=%2f?", "/ready"},
			[]string{"", "/a//b?x", "/a#b", "/a/..?x=1", "/..", "/a%2Fb", "/a?b#c", "/a?{b}"}},
		{"mesh.version",
			[]string{"1.31", "1.31.1", "1.10.0", "1.31.1-rc.1", "1.35.2+k3s1", "1.35.2-rc1+rke2r1"},
			[]string{"", "1", "v1.31.1", "1.31.1.1", "1.031.1", "1.31.", "1.31.1-", "1.31.1+", "1.31.1-rc..1", "1.31.1+a+b", "1.31.99999999"}},
		{"owner",
			[]string{"platform-net", "Ünit 7 | \"net\" <x>", "a{b}"},
			[]string{"", " ", "a\nb", "{{ $labels.pod }}"}},
		{"delivery.revision",
			[]string{"main", "refs/tags/v7", "release/1.2", "a.b"},
			[]string{"", "-x", "a..b", "a//b", "a/.b", "a.lock", "a.lock/b", "a/", "a."}},
		{"delivery.hostsImage",
			[]string{"debian:12", "docker.io/library/debian:12.12-slim", "registry.example.net:5000/a__b/c-d.e:1", "debian@sha256:" + strings.Repeat("0", 64)},
			[]string{"debian", "a//b:1", "a/b/:1", "a/-b:1", "a..b/c_.d:1", "docker.io/Debian:12"}},
		{"registry.images",
			[]string{"registry.example.net", "registry.example.net:5000/mirror", "registry.example.net/a/b-c"},
			[]string{"", "registry.example.net/", "registry.example.net/mirror/", "registry.example.net//mirror", "registry.example.net/.x", "https://registry.example.net"}},
		{"registry.charts",
			[]string{"oci://registry.example.net/charts", "https://charts.example.net:8443"},
			[]string{"oci://", "oci://registry.example.net/charts/", "registry.example.net/charts"}},
	} {
		s := Language().Lookup(strings.Split(c.at, ".")...)
		if s == nil || s.Scalar == nil {
			t.Fatal(c.at)
		}
		for _, v := range c.yes {
			if f := s.Scalar.stringFault(v); f != nil {
				t.Errorf("%s: %q is refused: %s", c.at, v, f.text)
			}
		}
		for _, v := range c.no {
			if s.Scalar.stringFault(v) == nil {
				t.Errorf("%s: %q is taken", c.at, v)
			}
		}
	}
}

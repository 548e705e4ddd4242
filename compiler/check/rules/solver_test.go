package rules

import (
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/profile"
)

func TestIntersect(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"1.2.1-1.5.1", "1.5.1-1.5.1", "1.5.1-1.5.1"},
		{"1.2.1-1.5.1", "1.6.1-", ""},
		{"1.32-1.36", "1.30-1.35", "1.32-1.35"},
		{"1.32-1.36", "1.36.2-1.36.2", "1.36.2-1.36.2"}, // a line holds its patches
		{"1.32-1.36", "1.36.2-", "1.36.2-1.36"},
		{"1.25-", "1.32-", "1.32-"},
		{"1.9-1.10", "1.10-1.31", "1.10-1.10"}, // as numbers, not as text
		{"1.32-1.33", "1.34-1.35", ""},
		{"1-1", "1.4-1.5", "1.4-1.5"},
	} {
		for _, turned := range []bool{false, true} {
			a, b := window(c.a), window(c.b)
			if turned {
				a, b = b, a
			}
			got, ok := intersect(a, b)
			text := ""
			if ok {
				text = got.Min + "-" + got.Max
			}
			if text != c.want {
				t.Errorf("%s and %s: %q, want %q", c.a, c.b, text, c.want)
			}
		}
	}
}

func TestSolve(t *testing.T) {
	// NAME VERSION[!] KUBERNETES GATEWAYAPI, oldest first; "!" is past its end of life, "*" any.
	linkerd := party3("linkerd", "2.18 1.22-1.32 1.1.1-1.2.1", "2.19 1.29-1.35 1.1.1-1.2.1", "2.20 1.31-1.35 1.2.1-1.5.1")
	gateway := party3("gateway", "1.7! 1.32-1.35 1.4.1-1.4.1", "1.8! * 1.5.1-1.5.1", "1.9 1.33-1.36 1.6.1-")
	cilium := party3("cilium", "1.18 1.30-1.33 1.3-1.3", "1.19 1.31-1.34 1.4-1.4", "1.20 1.33-1.36 1.6.1-")
	istio := party3("istio", "1.29! 1.31-1.35 *", "1.30 1.32-1.36 *", "1.31 1.32-1.36 *")
	old := party3("old", "1 1.20-1.21 *")
	for _, c := range []struct {
		name    string
		choices []choice
		given   windows
		want    string
	}{
		{"nothing", nil, nil, ""},
		{"all newest", []choice{istio, cilium}, nil, "1.31 1.20 Kubernetes 1.33-1.36 Gateway API 1.6.1-"},
		{"Kubernetes is given", []choice{istio, cilium}, windows{onKubernetes: window("1.32-1.32")}, "1.31 1.19 Kubernetes 1.32-1.32 Gateway API 1.4-1.4"},
		{"no fresh set: the newest of the ended", []choice{linkerd, gateway}, nil, "2.20 1.8 Kubernetes 1.31-1.35 Gateway API 1.5.1-1.5.1"},
		{"an end of life outweighs steps back", []choice{istio, gateway}, windows{onGatewayAPI: window("1.5.1-")}, "1.31 1.9 Kubernetes 1.33-1.36 Gateway API 1.6.1-"},
		{"none ended although older", []choice{party3("a", "1 * 1.5-1.5", "2! * 1.6-1.6"), party3("b", "1 * 1.5-1.6")}, nil, "1 1 Gateway API 1.5-1.5"},
		{"three parties", []choice{linkerd, cilium, istio}, nil, "2.20 1.19 1.31 Kubernetes 1.32-1.34 Gateway API 1.4-1.4"},
		{"no common Kubernetes", []choice{istio, old}, nil, "none"},
		{"given excludes all", []choice{istio}, windows{onKubernetes: window("1.37-1.37")}, "none"},
		{"a party without releases", []choice{istio, {name: "unknown"}}, nil, "none"},
	} {
		got := "none"
		if a, ok := solve(c.choices, c.given); ok {
			var words []string
			for _, p := range a.picks {
				words = append(words, p.version)
			}
			for _, x := range []axis{onKubernetes, onGatewayAPI} {
				if w, ok := a.shared[x]; ok {
					words = append(words, string(x), w.Min+"-"+w.Max)
				}
			}
			got = strings.Join(words, " ")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func window(s string) profile.Window {
	lo, hi, _ := strings.Cut(s, "-")
	return profile.Window{Min: lo, Max: hi}
}

func party3(name string, rows ...string) choice {
	c := choice{name: name}
	for _, r := range rows {
		f := strings.Fields(r)
		x := candidate{version: strings.TrimSuffix(f[0], "!"), accepts: windows{}, ended: strings.HasSuffix(f[0], "!")}
		for i, a := range []axis{onKubernetes, onGatewayAPI} {
			if f[i+1] != "*" {
				x.accepts[a] = window(f[i+1])
			}
		}
		c.releases = append(c.releases, x)
	}
	return c
}

package schemas

import (
	"os"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	sets := index(t)
	for _, c := range []struct{ component, release, channel, want string }{
		{"istio", "1.31.1", "", "1.31.1"},
		{"istio", "1.31.7", "", "1.31.1"}, // a patch release accepts the same
		{"istio", "1.3.1", "", ""},
		{"istio", "1.30.7", "", "1.30.3"},
		{"istio", "1.29.7", "", ""},
		{"kubernetes", "1.35.0", "", "1.35.2"},
		{"gateway-api", "1.6.3", "experimental", "1.6.3"},
		{"gateway-api", "1.5.1", "experimental", "1.5.1"},
		{"gateway-api", "1.4.1", "experimental", ""},
		{"metallb", "", "", "0.16.2"},
		{"gateway-api", "", "standard", "1.7.0"},
		{"nothing", "", "", ""},
	} {
		s, ok := Find(sets, c.component, c.release, c.channel)
		if ok != (c.want != "") || ok && s.Release != c.want {
			t.Errorf("%s %s %s: got %+v, want %q", c.component, c.release, c.channel, s, c.want)
		}
	}
}

// TestClosed holds the derivation to its point: an unknown field of any kind is refused.
func TestClosed(t *testing.T) {
	for _, s := range index(t) {
		names, err := s.Names()
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d entries, %v", s.File, len(names), err)
		}
		for _, name := range names {
			e, ok, err := s.Entry(name)
			if !ok || err != nil {
				t.Fatalf("%s: %s: %v", s.File, name, err)
			}
			if strings.HasPrefix(s.Component, "chart-") {
				continue
			}
			if e.Schema["additionalProperties"] != false {
				t.Errorf("%s: %s is open", s.File, name)
			}
			properties := e.Schema["properties"].(map[string]any)
			if _, ok := properties["status"]; ok {
				t.Errorf("%s: %s has the server's status", s.File, name)
			}
			prosaic(t, s.File+": "+name, e.Schema)
		}
	}
}

// prosaic fails on what should have been stripped or resolved. Names of fields ("description", "default") stand below
// properties and are skipped.
func prosaic(t *testing.T, where string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for k, sub := range m {
		switch {
		case k == "description" || k == "default" || k == "$ref" || strings.HasPrefix(k, "x-") || strings.HasPrefix(k, "meshgen-"):
			t.Errorf("%s: %s was left in", where, k)
		case k == "properties":
			for name, p := range sub.(map[string]any) {
				prosaic(t, where+"."+name, p)
			}
		default:
			prosaic(t, where, sub)
		}
	}
}

func TestReadmeListsEverySet(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range index(t) {
		row := "| data/" + s.File + " |"
		if !strings.Contains(string(readme), row) || s.Origin == "" || s.Licence == "" {
			t.Errorf("%s: no row, origin or licence", s.File)
		}
	}
}

func index(t *testing.T) []*Set {
	t.Helper()
	sets, err := Index()
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

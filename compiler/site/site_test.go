package site

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		path     string
		segments []string
	}{
		{"", nil},
		{"name", []string{"name"}},
		{"racks.r3.nodes.fra1-r3-w4", []string{"racks", "r3", "nodes", "fra1-r3-w4"}},
		{"gateways.public.addresses.0", []string{"gateways", "public", "addresses", Index(0)}},
		{`nodes."a.b".labels."example.net/x"`, []string{"nodes", "a.b", "labels", "example.net/x"}},
		{`a.""`, []string{"a", ""}},
		{`"a\"b".c`, []string{`a"b`, "c"}},
		{`"a\n"`, []string{"a\n"}},
	} {
		if got := Join(tt.segments...); got != tt.path {
			t.Errorf("Join(%q) = %s, want %s", tt.segments, got, tt.path)
		}
		if got := Split(tt.path); !reflect.DeepEqual(got, tt.segments) {
			t.Errorf("Split(%s) = %q, want %q", tt.path, got, tt.segments)
		}
	}
	// What no Join makes is still taken in some way.
	for path, want := range map[string][]string{
		"a..b": {"a", "", "b"}, "a.": {"a", ""}, `"a`: {`"a`}, `"a"b.c`: {`"a"b`, "c"}, ".": {"", ""},
	} {
		if got := Split(path); !reflect.DeepEqual(got, want) {
			t.Errorf("Split(%s) = %q, want %q", path, got, want)
		}
	}
}

func TestAncestors(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"", "a.b", true}, {"a", "a", true}, {"a", "a.b", true}, {"a.b", "a", false}, {"a", "ab", false},
		{"a.b", "a.bc", false}, {`a."b.c"`, `a."b.c".d`, true}, {"a.b", `a."b.c"`, false},
	} {
		if got := IsAncestor(tt.a, tt.b); got != tt.want {
			t.Errorf("IsAncestor(%s, %s) = %v", tt.a, tt.b, got)
		}
	}
	for path, want := range map[string]string{"": "", "a": "", "a.b": "a", `a."b.c"`: "a", `a."b.c".d`: `a."b.c"`} {
		if got := Parent(path); got != want {
			t.Errorf("Parent(%s) = %s, want %s", path, got, want)
		}
	}
}

func FuzzPaths(f *testing.F) {
	f.Add("a", "b.c", "")
	f.Add(`"`, `\`, "\xff")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		want := []string{a, b, c}
		// Bytes that are no UTF-8 are written as such and come back as such.
		if got := Split(Join(want...)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %q", want, got)
		}
		if !IsAncestor(Join(a, b), Join(a, b, c)) || Parent(Join(a, b, c)) != Join(a, b) {
			t.Errorf("%q is not below its parent", Join(a, b, c))
		}
	})
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{"300ms": 300 * time.Millisecond, "9s": 9 * time.Second, "1.5h": 90 * time.Minute, "": 0, "9": 0, "x": 0} {
		if got := ParseDuration(text); got != want {
			t.Errorf("ParseDuration(%q) = %v", text, got)
		}
	}
	for text, want := range map[string]int64{"128Gi": 128 << 30, "20Mi": 20 << 20, "1.5Ki": 1536, "1G": 1e9, "100m": 1, "2": 2, "": 0, "Gi": 0, "2Xi": 0, "999999999Ti": 0} {
		if got := ParseQuantity(text); got != want {
			t.Errorf("ParseQuantity(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int64{"100m": 100, "2": 2000, "0.25": 250, "1500m": 1500, "0.0001": 1} {
		if got := ParseMilli(text); got != want {
			t.Errorf("ParseMilli(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int64{"25Gbps": 25e9, "2.5Gbps": 25e8, "100Mbps": 1e8, "1Tbps": 1e12, "25": 0, "": 0} {
		if got := ParseBitRate(text); got != want {
			t.Errorf("ParseBitRate(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{"50%": 50, "0%": 0, "x%": 0} {
		if got := ParsePercent(text); got != want {
			t.Errorf("ParsePercent(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestOneOrMany(t *testing.T) {
	var v struct {
		One  Strings
		Many Strings
		None Strings
		Null Strings
		Mask Ints
		Both Ints
	}
	text := `{"One": "a", "Many": ["a", "b"], "Null": null, "Mask": 24, "Both": [23, 64]}`
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(v.One, Strings{"a"}) || !reflect.DeepEqual(v.Many, Strings{"a", "b"}) || v.None != nil || v.Null != nil {
		t.Errorf("strings: %v", v)
	}
	if !reflect.DeepEqual(v.Mask, Ints{24}) || !reflect.DeepEqual(v.Both, Ints{23, 64}) {
		t.Errorf("integers: %v", v)
	}
	if err := json.Unmarshal([]byte(`{"Mask": "x"}`), &v); err == nil {
		t.Error("a string is no integer")
	}
}

func TestPathMatch(t *testing.T) {
	for text, want := range map[string]PathMatch{`"/v1"`: {Prefix: "/v1"}, `{"exact":"/v1"}`: {Exact: "/v1"}} {
		var got PathMatch
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
		if back, err := json.Marshal(got); err != nil || string(back) != text {
			t.Errorf("%s is written as %s, %v", text, back, err)
		}
	}
}

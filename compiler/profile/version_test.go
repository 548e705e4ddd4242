package profile

import "testing"

func TestParseVersion(t *testing.T) {
	for in, want := range map[string]Version{
		"1":       {Major: 1, parts: 1},
		"1.31":    {Major: 1, Minor: 31, parts: 2},
		"v1.31.1": {Major: 1, Minor: 31, Patch: 1, parts: 3},
		"0.16.2":  {Minor: 16, Patch: 2, parts: 3},
	} {
		got, err := ParseVersion(in)
		if err != nil || got != want {
			t.Errorf("ParseVersion(%q) = %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "v", "1.", ".1", "1.2.3.4", "1.31.0-rc.1", "latest", "-1", "1.+2", "99999999999"} {
		if v, err := ParseVersion(in); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", in, v)
		}
	}
}

func TestVersionString(t *testing.T) {
	for _, s := range []string{"1", "1.31", "1.31.0"} {
		if v, _ := ParseVersion(s); v.String() != s {
			t.Errorf("%q prints as %q", s, v)
		}
	}
	if v, _ := ParseVersion("1.31.4"); v.Line() != "1.31" {
		t.Errorf("line of %v is %s", v, v.Line())
	}
}

func TestCompareVersions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.9", "1.31", -1}, // as numbers, not as text
		{"1.31", "1.31.0", 0},
		{"1.31.1", "1.31", 1},
		{"2", "1.99.99", 1},
		{"main", "0.1", -1},
		{"main", "master", 0},
	} {
		if got := CompareVersions(c.a, c.b); got != c.want {
			t.Errorf("CompareVersions(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := CompareVersions(c.b, c.a); got != -c.want {
			t.Errorf("CompareVersions(%q, %q) = %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		version, floor string
		want           bool
	}{
		{"1.33", "1.33", true},
		{"1.33.4", "1.33", true},
		{"1.32.9", "1.33", false},
		{"anything", "", true},
		{"anything", "1.0", false},
		{"1.0", "anything", false},
	} {
		if got := AtLeast(c.version, c.floor); got != c.want {
			t.Errorf("AtLeast(%q, %q) = %t", c.version, c.floor, got)
		}
	}
}

func TestWindow(t *testing.T) {
	for _, c := range []struct {
		w       Window
		version string
		want    bool
	}{
		{Window{"1.32", "1.36"}, "1.31.9", false},
		{Window{"1.32", "1.36"}, "1.32.0", true},
		{Window{"1.32", "1.36"}, "1.36.3", true}, // a line as upper bound holds its patches
		{Window{"1.32", "1.36"}, "1.37.0", false},
		{Window{"1.2.1", "1.5.1"}, "1.5.1", true},
		{Window{"1.2.1", "1.5.1"}, "1.5.2", false}, // a patch as upper bound is exact
		{Window{"1", "1"}, "1.99.9", true},
		{Window{"1.25", ""}, "9.0", true},
		{Window{"1.25", ""}, "1.24.17", false},
		{Window{"1.25", ""}, "latest", false},
		{Window{"", ""}, "1.0", false},
	} {
		if got := c.w.Contains(c.version); got != c.want {
			t.Errorf("%s contains %s: %t", c.w, c.version, got)
		}
	}
}

func TestWindowString(t *testing.T) {
	for want, w := range map[string]Window{
		"1.32 to 1.36":   {"1.32", "1.36"},
		"1.25 or newer":  {"1.25", ""},
		"1.5.1":          {"1.5.1", "1.5.1"},
		"1.4.1 to 1.5.1": {"1.4.1", "1.5.1"},
	} {
		if w.String() != want {
			t.Errorf("got %q, want %q", w, want)
		}
	}
}

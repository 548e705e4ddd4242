package lower

import "testing"

func TestSpan(t *testing.T) {
	for text, want := range map[string]string{
		"5s": "5s", "1500ms": "1500ms", "90m": "90m", "99999s": "99999s", // as the site has it
		"2.5s": "2500ms", "0.5m": "30s", "1.5h": "90m", "2.0s": "2s", "0.001s": "1ms", "0005s": "5s",
		"100000ms": "100s", "360000s": "100h", // six digits in one unit, and three in another
		"0s": "", "0.0005s": "", "0.5ms": "", "100001ms": "", "999999h": "",
	} {
		if got, ok := Span(text); got != want || ok != (want != "") {
			t.Errorf("%s is written as %q, not %q", text, got, want)
		}
	}
}

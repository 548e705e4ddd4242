package lower

import (
	"testing"
	"time"
)

func TestPlainDuration(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "5s": "5s", "60s": "60s", "500ms": "500ms", "1000ms": "1000ms", "0s": "0s", // as they are written
		"2.5s": "2500ms", "0.25s": "250ms", "0.5m": "30s", "1.5h": "90m", "1.125s": "1125ms",
		"100000s": "1667m", "120000ms": "2m", "123456ms": "124s", "0.5ms": "1ms", "1.5ms": "2ms", "999999h": "999999h",
	} {
		got := plainDuration(text)
		if got != want {
			t.Errorf("%q: %q, and not %q", text, got, want)
		}
		before, _ := time.ParseDuration(text)
		if after, err := time.ParseDuration(got); text != "" && (err != nil || after < before || before > time.Second && after > before+before/100) {
			t.Errorf("%q: %q is another span", text, got)
		}
	}
}

package rules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Findings that a mesh cannot do something, as fixtures have them down, and the meshes that their hints name.
var (
	refusal  = regexp.MustCompile(`which mesh ([a-z-]+) (?:cannot|does not have)|mesh (linkerd) samples no traces`)
	location = regexp.MustCompile(`^site\.[a-z]+:[0-9]+:[0-9]+: `)
	whatCan  = regexp.MustCompile(`what (?:can|has it)[^:]*: ([a-z-]+(?:, [a-z-]+)*)`)
)

// TestWhatCan holds each finding that a mesh cannot do something to naming the meshes that can: others than that one.
func TestWhatCan(t *testing.T) {
	seen := map[string]bool{}
	for _, fx := range readFixtures(t, "testdata/fixtures") {
		lines := strings.Split(strings.Join(fx.findings, "\n"), "\n")
		for i, line := range lines {
			m := refusal.FindStringSubmatch(line)
			if m == nil || !location.MatchString(line) {
				continue
			}
			kind, hint := m[1]+m[2], ""
			for _, l := range lines[i+1:] {
				if location.MatchString(l) {
					break
				}
				if text, ok := strings.CutPrefix(strings.TrimSpace(l), "hint: "); ok {
					hint = text
				}
			}
			named := whatCan.FindStringSubmatch(hint)
			if named == nil {
				t.Errorf("%s: %s\nits hint names no mesh that can: %q", fx.file, line, hint)
			} else if slices.Contains(strings.Split(named[1], ", "), kind) {
				t.Errorf("%s: %s\nits hint names the mesh that cannot: %q", fx.file, line, hint)
			}
			seen[line[strings.LastIndexByte(line, '['):]] = true
		}
	}
	if len(seen) < 7 {
		t.Errorf("%d rules refuse something that a mesh cannot do: %v", len(seen), seen)
	}
}

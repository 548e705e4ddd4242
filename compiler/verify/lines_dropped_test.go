package verify

import (
	"strings"
	"testing"
)

// harmless are the statements that a switch file may lose without a session or a policy becoming wrong: what a reader
// is told, what is the program's default, and what only the site knows to want.
var harmless = []string{
	"hostname", "description", "exit", "set community", "router-id", "bgp router-id", "maximum-paths 16", "passive",
	"network 192.0.2.0/24", "transmit-interval 300", "receive-interval 300", "detect-multiplier 3",
	"bfd interval 300 min-rx 300 multiplier 3", "update-source", "no ip prefix-list", "no route-map",
	// of a switch whose neighbors are of one AS
	"bgp bestpath as-path multipath-relax",
}

// Each other statement of the switch files is missed when it is gone.
func TestDroppedLines(t *testing.T) {
	for _, path := range []string{labLeafA, labLeafB, labLeafC, labSpine} {
		lines := strings.SplitAfter(string(lab(t, "", "", "").Lookup(path).Bytes()), "\n")
		for i, line := range lines {
			statement := strings.TrimSpace(line)
			if statement == "" || statement[0] == '!' || isHarmless(statement) {
				continue
			}
			without := strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
			tree := labWith(t, path, func(string) string { return without })
			if len(lineFindings(tree, "lab-1")) == 0 {
				t.Errorf("%s: nothing is found without %q", path, statement)
			}
		}
	}
}

func isHarmless(statement string) bool {
	for _, h := range harmless {
		if strings.HasPrefix(statement, h) || strings.HasPrefix(statement, "neighbor ") && strings.Contains(statement, " "+h) {
			return true
		}
	}
	return false
}

package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggest returns " (did you mean …?)" with the known name nearest to an unknown one, or nothing when none is near: a
// third of its letters may differ.
func suggest[V any](name string, known map[string]V) string {
	best, distance := "", len(name)/3+1
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

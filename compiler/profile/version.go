package profile

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a release of one to three numbers. A number that is left out counts as 0 in Compare, and as "any" in the
// upper bound of a Window.
type Version struct {
	Major, Minor, Patch int

	parts int // how many numbers were given
}

// ParseVersion reads "1", "1.31", "1.31.1", each also with a leading "v". Anything else, a pre-release included, is an
// error: no profile has a row for one.
func ParseVersion(s string) (Version, error) {
	fields := strings.Split(strings.TrimPrefix(s, "v"), ".")
	if len(fields) > 3 {
		return Version{}, fmt.Errorf("version %q has more than three numbers", s)
	}
	v := Version{parts: len(fields)}
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch}[:len(fields)] {
		n, err := strconv.ParseUint(fields[i], 10, 31)
		if err != nil {
			return Version{}, fmt.Errorf("version %q: %q is not a number", s, fields[i])
		}
		*into = int(n)
	}
	return v, nil
}

// String returns the version with as many numbers as were given.
func (v Version) String() string {
	switch v.parts {
	case 1:
		return strconv.Itoa(v.Major)
	case 2:
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Line returns the minor release line, "1.31" of "1.31.1".
func (v Version) Line() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Compare returns -1, 0 or 1. "1.31" equals "1.31.0".
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// AtLeast reports whether v is w or newer.
func (v Version) AtLeast(w Version) bool { return v.Compare(w) >= 0 }

// InRange reports whether v lies between min and max, both included. max counts to its own precision: "1.36" holds
// 1.36.3. The zero Version is no bound.
func (v Version) InRange(min, max Version) bool {
	if v.Compare(min) < 0 {
		return false
	}
	switch max.parts {
	case 0:
		return true
	case 1:
		v.Minor, v.Patch = 0, 0
	case 2:
		v.Patch = 0
	}
	return v.Compare(max) <= 0
}

// CompareVersions orders two versions as text. One that is no version sorts before all others.
func CompareVersions(a, b string) int {
	v, errA := ParseVersion(a)
	w, errB := ParseVersion(b)
	if errA != nil || errB != nil {
		return cmp.Compare(btoi(errA == nil), btoi(errB == nil))
	}
	return v.Compare(w)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// AtLeast reports whether version is floor or newer. An empty floor is met by everything; text that is no version meets
// no other floor.
func AtLeast(version, floor string) bool {
	if floor == "" {
		return true
	}
	v, errV := ParseVersion(version)
	w, errW := ParseVersion(floor)
	return errV == nil && errW == nil && v.AtLeast(w)
}

// Window is a range of releases, both ends included; an empty Max is open. See Version.InRange for its precision.
type Window struct {
	Min string `json:"min"`
	Max string `json:"max,omitempty"`
}

// Contains reports whether version lies in the window. Text that is no version lies in none.
func (w Window) Contains(version string) bool {
	v, err := ParseVersion(version)
	if err != nil {
		return false
	}
	lo, err := ParseVersion(w.Min)
	if err != nil {
		return false
	}
	var hi Version
	if w.Max != "" {
		if hi, err = ParseVersion(w.Max); err != nil {
			return false
		}
	}
	return v.InRange(lo, hi)
}

// String returns "1.32 to 1.36", or "1.32 or newer".
func (w Window) String() string {
	switch w.Max {
	case "":
		return w.Min + " or newer"
	case w.Min:
		return w.Min
	}
	return w.Min + " to " + w.Max
}

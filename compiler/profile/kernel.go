package profile

import (
	"fmt"
	"regexp"
)

// Kernel is a Linux release as `uname -r` prints it.
type Kernel struct {
	Version        // of the mainline release that it is built from
	Release string // as given
	RHEL    string // "8.10" for a kernel of the RHEL family ("el8_10"); "" for others
}

var (
	mainline = regexp.MustCompile(`^(\d+\.\d+(?:\.\d+)?)(?:$|[-+_.~][0-9A-Za-z.+_~-]*$)`)
	rhel     = regexp.MustCompile(`[._]el(\d+)(?:_(\d+))?(?:[._]|$)`)
)

// ParseKernel reads a kernel release: "6.1.0-28-amd64", "5.15.0-130-generic", "4.18.0-553.el8_10.x86_64".
func ParseKernel(release string) (Kernel, error) {
	m := mainline.FindStringSubmatch(release)
	if m == nil {
		return Kernel{}, fmt.Errorf("%q is not a kernel release such as 6.1.0-28-amd64", release)
	}
	v, err := ParseVersion(m[1])
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Version: v, Release: release}
	if m := rhel.FindStringSubmatch(release); m != nil {
		k.RHEL = m[1]
		if m[2] != "" {
			k.RHEL += "." + m[2]
		}
	}
	return k, nil
}

// String returns the release as given.
func (k Kernel) String() string { return k.Release }

// KernelFloor is the lowest kernel that something runs on, with the vendor kernels below it that carry what it needs.
type KernelFloor struct {
	Min    string       `json:"min"`
	Except []RHELKernel `json:"except"`
}

// RHELKernel is a kernel line from a RHEL release on.
type RHELKernel struct {
	RHEL   string `json:"rhel"`   // "8.10"
	Kernel string `json:"kernel"` // "4.18"
}

// Met reports whether the kernel suffices.
func (f KernelFloor) Met(k Kernel) bool {
	floor, err := ParseVersion(f.Min)
	if err != nil {
		return false
	}
	if k.AtLeast(floor) {
		return true
	}
	for _, e := range f.Except {
		if k.RHEL == "" || k.Line() != e.Kernel {
			continue
		}
		// Only within one major release of RHEL: the exception says nothing of the next one.
		r, errR := ParseVersion(k.RHEL)
		w, errW := ParseVersion(e.RHEL)
		if errR == nil && errW == nil && r.Major == w.Major && r.AtLeast(w) {
			return true
		}
	}
	return false
}

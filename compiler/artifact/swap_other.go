//go:build !linux && !darwin

package artifact

import "errors"

// exchange tells that this system cannot swap two directories in one step.
func exchange(a, b string) error { return errors.ErrUnsupported }

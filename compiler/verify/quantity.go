package verify

import (
	"regexp"
	"strconv"
	"strings"
)

// factors are the suffixes of quantities.
var factors = map[string]float64{
	"": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
}

// amount reads a quantity, to compare it with another. A float is exact enough for that.
func amount(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		if !isQuantity(v) {
			return 0, false
		}
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			return x, true
		}
		number := strings.TrimRight(v, "numkKMGTPEi")
		x, err := strconv.ParseFloat(number, 64)
		return x * factors[v[len(number):]], err == nil
	}
	return 0, false
}

// sysctlName is the API server's form of a sysctl in a pod.
var sysctlName = regexp.MustCompile(`^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$`)

// isNamespacedSysctl reports whether a pod has a sysctl of its own: those of its network, and of its System V and POSIX
// queues. The kubelet refuses the others (pkg/kubelet/sysctl in Kubernetes).
func isNamespacedSysctl(name string) bool {
	name = strings.ReplaceAll(name, "/", ".")
	return name == "kernel.sem" || strings.HasPrefix(name, "kernel.shm") || strings.HasPrefix(name, "kernel.msg") ||
		strings.HasPrefix(name, "fs.mqueue.") || strings.HasPrefix(name, "net.")
}

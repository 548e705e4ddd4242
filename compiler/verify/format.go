package verify

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// formats are those that JSON Schema does not define, or defines otherwise than Kubernetes. Each is about strings; a
// value of another type is the business of "type".
var formats = map[string]func(any) bool{
	"byte":           onStrings(func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil }),
	"cidr":           onStrings(func(s string) bool { _, err := netip.ParsePrefix(s); return err == nil }),
	"go-duration":    onStrings(func(s string) bool { _, err := time.ParseDuration(s); return err == nil }),
	"proto-duration": onStrings(isProtoDuration),
	"quantity":       onStrings(isQuantity),
}

// formatNames say what a value should have been.
var formatNames = map[string]string{
	"byte": "base64", "cidr": "prefix", "go-duration": "duration", "proto-duration": "duration", "ipv4": "IPv4 address",
	"ipv6": "IPv6 address", "date-time": "time of RFC 3339", "idn-hostname": "host name", "uri": "URI",
}

func formatName(rule any) string {
	s, _ := rule.(string)
	if name, ok := formatNames[s]; ok {
		return name
	}
	return s
}

func onStrings(check func(string) bool) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		return !ok || check(s)
	}
}

// quantity is the grammar of resource.Quantity: a decimal number, then a decimal or binary suffix or an exponent.
var quantity = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`)

func isQuantity(s string) bool { return quantity.MatchString(s) }

// isProtoDuration accepts what Istio takes for a protobuf duration in YAML: Go's notation, whole milliseconds or more.
func isProtoDuration(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d%time.Millisecond == 0
}

// dnsLabel and dnsSubdomain are RFC 1123's, in lower case, as Kubernetes uses them.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func isDNSLabel(s string) bool { return len(s) <= 63 && dnsLabel.MatchString(s) }

func isDNSSubdomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !dnsLabel.MatchString(part) {
			return false
		}
	}
	return true
}

// dns1035Label is what Services are named by before 1.34 relaxed it: it begins with a letter.
var dns1035Label = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

func isDNS1035Label(s string) bool { return len(s) <= 63 && dns1035Label.MatchString(s) }

var qualifiedName = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)

// isQualifiedName accepts keys of labels and annotations: an optional subdomain and a slash, then a name.
func isQualifiedName(s string) bool {
	prefix, name, ok := strings.Cut(s, "/")
	if !ok {
		prefix, name = "a", s
	}
	return isDNSSubdomain(prefix) && len(name) <= 63 && qualifiedName.MatchString(name)
}

func isLabelValue(s string) bool {
	return s == "" || len(s) <= 63 && qualifiedName.MatchString(s)
}

// isPortName accepts what a named port may be called (IANA service names).
var portName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func isPortName(s string) bool {
	return len(s) <= 15 && portName.MatchString(s) && strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz")
}

func isPort(n int64) bool { return n >= 1 && n <= 65535 }

// isCanonicalPrefix accepts a prefix without host bits, written as netip would.
func isCanonicalPrefix(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p.Masked().String() == s
}

// isPercentOrInt accepts maxUnavailable and its kin.
func isPercentOrInt(v any) bool {
	switch v := v.(type) {
	case int64:
		return v >= 0
	case string:
		n, ok := strings.CutSuffix(v, "%")
		i, err := strconv.Atoi(n)
		return ok && err == nil && i >= 0 && i <= 100
	}
	return false
}

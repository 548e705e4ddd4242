package site

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration of the language: "300ms", "9s", "24h". It returns 0 for anything else, which the
// schema refuses.
func ParseDuration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0
	}
	return d
}

// quantitySuffixes are the suffixes of a Kubernetes quantity that the language admits, as numerator and denominator.
var quantitySuffixes = map[string][2]int64{
	"m": {1, 1000}, "": {1, 1},
	"k": {1e3, 1}, "M": {1e6, 1}, "G": {1e9, 1}, "T": {1e12, 1},
	"Ki": {1 << 10, 1}, "Mi": {1 << 20, 1}, "Gi": {1 << 30, 1}, "Ti": {1 << 40, 1},
}

// ParseQuantity reads a Kubernetes quantity in whole units, bytes or cores, rounded up: "128Gi", "512Mi", "2". It
// returns 0 for anything else, which the schema refuses.
func ParseQuantity(s string) int64 { return scaled(s, quantitySuffixes, 1) }

// ParseMilli reads a Kubernetes quantity in thousandths, rounded up: "100m" is 100, "2" is 2000.
func ParseMilli(s string) int64 { return scaled(s, quantitySuffixes, 1000) }

var bitRateSuffixes = map[string][2]int64{
	"bps": {1, 1}, "kbps": {1e3, 1}, "Mbps": {1e6, 1}, "Gbps": {1e9, 1}, "Tbps": {1e12, 1},
}

// ParseBitRate reads a bit rate in bits per second: "25Gbps". It returns 0 for anything else, which the schema refuses.
func ParseBitRate(s string) int64 { return scaled(s, bitRateSuffixes, 1) }

// ParsePercent reads a percentage: "50%" is 50. It returns 0 for anything else, which the schema refuses.
func ParsePercent(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	if err != nil {
		return 0
	}
	return n
}

// scaled reads a decimal number with one of the suffixes and returns it times factor, rounded up.
func scaled(s string, suffixes map[string][2]int64, factor int64) int64 {
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	scale, ok := suffixes[s[len(number):]]
	if !ok || len(number) > 32 {
		return 0
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0
	}
	r.Mul(r, big.NewRat(scale[0], scale[1]))
	r.Mul(r, new(big.Rat).SetInt64(factor))
	n := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	n.Quo(n, r.Denom())
	if !n.IsInt64() {
		return 0
	}
	return n.Int64()
}

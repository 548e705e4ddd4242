package verify

import (
	"regexp"
	"strconv"
	"strings"
)

// A sysctlSetting is one assignment of a sysctl.d file.
type sysctlSetting struct {
	key, value string
	line       int
}

// sysctlLine is the one form that systemd-sysctl and procps read alike. A glob, the "-" that ignores failures and the
// "/" separators are left out: meshgen has no use for a setting that may silently not hold.
var sysctlLine = regexp.MustCompile(`^([a-z][a-z0-9_]*(?:\.[a-z0-9_*-]+)+) = (\S.*)$`)

// parseSysctl reads a sysctl.d file. Comments stand on lines of their own: in "key = value # why" the comment is part of
// the value (sysctl.d(5)), and systemd-sysctl writes it to the kernel.
func parseSysctl(data []byte) ([]sysctlSetting, faults) {
	var (
		fs       faults
		settings []sysctlSetting
		seen     = map[string]int{}
		reason   string // of the line above; empty when that was no comment
	)
	scanLines(data, &fs, func(n int, line string) {
		above := reason
		reason = ""
		if line == "" {
			return
		}
		if line[0] == '#' || line[0] == ';' {
			if n > 1 {
				reason = strings.TrimSpace(line[1:])
			}
			return
		}
		m := sysctlLine.FindStringSubmatch(line)
		if m == nil {
			fs.add(n, "not of the form key = value: %q", line)
			return
		}
		s := sysctlSetting{key: m[1], value: m[2], line: n}
		if above == "" {
			fs.add(n, "%s has no reason: the line above it is no comment", s.key)
		}
		if first, ok := seen[s.key]; ok {
			fs.add(n, "%s is set twice, first in line %d: the last one wins silently", s.key, first)
			return
		}
		seen[s.key] = n
		settings = append(settings, s)
		if err := checkSysctl(s.key, s.value); err != "" {
			fs.add(n, "%s", err)
		}
	})
	return settings, fs
}

// checkSysctl says what is wrong with one setting in a host file, or returns "".
func checkSysctl(key, value string) string {
	k := sysctlKeyOf(key)
	switch {
	case k == nil:
		return key + " is not a known kernel setting"
	case k.scope == removedKey:
		return key + " is gone from the kernel: " + k.note
	case k.scope == podKey:
		return key + " belongs to each network namespace and never reaches pods from a host file: set it in the pod, or not at all"
	}
	if strings.ContainsAny(value, "#;") {
		return key + ": text after the value is part of the value: " + strconv.Quote(value)
	}
	if err := k.value.check(value); err != "" {
		return key + " = " + value + ": " + err
	}
	return ""
}

// checkSysctlSet reports what only all settings of one machine show. modules are those that are loaded at boot before
// systemd-sysctl runs.
func checkSysctlSet(settings []sysctlSetting, modules map[string]bool) faults {
	var fs faults
	by := map[string]sysctlSetting{}
	for _, s := range settings {
		by[s.key] = s
		k := sysctlKeyOf(s.key)
		if k != nil && k.module != "" && !modules[k.module] {
			fs.add(s.line, "%s does not exist before module %s is loaded, and modules-load.d does not load it: systemd-sysctl would skip the line silently", s.key, k.module)
		}
	}
	if r, ok := by["net.ipv4.ip_local_port_range"]; ok {
		if _, ok := by["net.ipv4.ip_local_reserved_ports"]; !ok {
			fs.add(r.line, "ip_local_port_range is set without ip_local_reserved_ports: an outgoing connection can take a port that something listens on")
		}
	}
	ascending(by, &fs, "net.ipv4.neigh.default.gc_thresh1", "net.ipv4.neigh.default.gc_thresh2", "net.ipv4.neigh.default.gc_thresh3")
	ascending(by, &fs, "net.ipv6.neigh.default.gc_thresh1", "net.ipv6.neigh.default.gc_thresh2", "net.ipv6.neigh.default.gc_thresh3")
	return fs
}

// ascending reports settings of whole numbers that are not in rising order.
func ascending(by map[string]sysctlSetting, fs *faults, keys ...string) {
	last, lastKey := -1, ""
	for _, key := range keys {
		s, ok := by[key]
		if !ok {
			continue
		}
		v, err := strconv.Atoi(s.value)
		if err != nil {
			continue // reported as a bad value
		}
		if lastKey != "" && v <= last {
			fs.add(s.line, "%s = %d is not above %s = %d", key, v, lastKey, last)
		}
		last, lastKey = v, key
	}
}

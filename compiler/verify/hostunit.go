package verify

import (
	"regexp"

	"meshgen.dev/meshgen/compiler/artifact"
)

// tableUnit is the form of a systemd unit that loads a table of nftables from a file of /etc/meshgen at every boot, before a
// service (a pattern) begins, and that takes away no other table.
func tableUnit(file, table, before string) *regexp.Regexp {
	load := `/usr/sbin/nft -f /etc/meshgen/` + regexp.QuoteMeta(file)
	return regexp.MustCompile(`(?s)\nAfter=nftables\.service\nBefore=` + before + `\.service\n.*\nType=oneshot\nRemainAfterExit=yes\n` +
		`ExecStart=` + load + `\nExecReload=` + load + `\nExecStop=/usr/sbin/nft delete table inet ` + table + `\n\n` +
		`\[Install\]\nWantedBy=multi-user\.target\n$`)
}

// checkUnit says that a unit has not the form.
func checkUnit(f *artifact.File, form *regexp.Regexp, otherwise string) faults {
	var fs faults
	scanLines(f.Bytes(), &fs, func(int, string) {})
	if !form.Match(f.Bytes()) {
		fs.add(0, "%s", otherwise)
	}
	return fs
}

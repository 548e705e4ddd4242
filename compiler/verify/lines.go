package verify

import (
	"fmt"
	"path"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// The rules of the line formats. Each is the error of one reader.
const (
	ruleSysctl    = "MG9201" // sysctl.d
	ruleModules   = "MG9202" // modules-load.d and modprobe.d
	ruleChrony    = "MG9203" // chrony.conf
	ruleKubelet   = "MG9204" // environment file of the kubelet
	ruleInventory = "MG9205" // Ansible inventory
	ruleFRR       = "MG9206" // FRR switch file
	ruleEOS       = "MG9207" // EOS switch file
	ruleNXOS      = "MG9221" // NX-OS switch file
	ruleSONiC     = "MG9222" // SONiC switch file, and its entries of CONFIG_DB
	ruleSessions  = "MG9208" // the two ends of a BGP session differ
	rulePrefixes  = "MG9209" // a switch admits more or less than its nodes announce
)

// lineVerifiers are the readers of the line formats, by path.
var lineVerifiers = []verifier{
	{"sysctl", "hosts/*/*/etc/sysctl.d/*.conf", readLines(ruleSysctl, "#", func(f *artifact.File) faults {
		_, fs := parseSysctl(f.Bytes())
		return fs
	})},
	{"modules-load", "hosts/*/*/etc/modules-load.d/*.conf", readLines(ruleModules, "#", func(f *artifact.File) faults {
		_, fs := parseModulesLoad(f.Bytes())
		return fs
	})},
	{"modprobe", "hosts/*/*/etc/modprobe.d/*.conf", readLines(ruleModules, "#", func(f *artifact.File) faults {
		_, fs := parseModprobe(f.Bytes())
		return fs
	})},
	{"chrony", "hosts/*/*/etc/chrony/chrony.conf", readLines(ruleChrony, "#", checkChronyFile)},
	{"chrony", "hosts/*/*/etc/chrony.conf", readLines(ruleChrony, "#", checkChronyFile)},
	{"ntpsec", ntpsecGlob, readLines(ruleNTPsec, "#", checkNTPsecFile)},
	{"ntpsec", "hosts/*/*/etc/default/ntpsec", readLines(ruleNTPsec, "#", checkNTPsecOptions)},
	{"kubelet environment", "hosts/*/*/etc/default/kubelet", readLines(ruleKubelet, "#", checkKubeletFile)},
	{"kubelet environment", "hosts/*/*/etc/sysconfig/kubelet", readLines(ruleKubelet, "#", checkKubeletFile)},
	{"inventory", "hosts/*/inventory.yaml", checkInventoryFile},
	{"haproxy", "fabric/*/*/etc/haproxy/haproxy.cfg", readLines(ruleHAProxy, "#", checkHAProxyFile)},
	{"haproxy unit", "fabric/*/*/etc/systemd/system/haproxy.service.d/*.conf", readLines(ruleHAProxy, "#", checkUnitLimit)},
	{"keepalived", "fabric/*/*/etc/keepalived/keepalived.conf", readLines(ruleKeepalived, "#", checkKeepalivedFile)},
	{"sysctl", "fabric/*/*/etc/sysctl.d/*.conf", readLines(ruleSysctl, "#", func(f *artifact.File) faults {
		_, fs := parseSysctl(f.Bytes())
		return fs
	})},
	{"host firewall", firewallGlob, readLines(ruleFirewall, "#", checkFirewallFile)},
	{"host firewall", "hosts/*/*/etc/systemd/system/meshgen-firewall.service", readLines(ruleFirewall, "#", checkFirewallUnit)},
	{"source addresses", sourcesGlob, readLines(ruleSources, "#", checkSourcesFile)},
	{"source addresses", "hosts/*/*/etc/systemd/system/" + sourcesUnit, readLines(ruleSources, "#", checkSourcesUnit)},
	{"network cards", "hosts/*/*" + cardsPath, readLines(ruleHostForms, "#", checkCardsScript)},
	{"network cards", "hosts/*/*" + cardsUnitPath, readLines(ruleHostForms, "#", checkCardsUnit)},
	{"flows", "fabric/*/flows.csv", checkFlowsFile},
	{"documents", "fabric/*/flows.md", readDocument},
	{"frr", "fabric/*/*.conf", readLines(ruleFRR, "!", checkSwitchFile)},
	{"eos", "fabric/*/*.eos", readLines(ruleEOS, "!", checkSwitchFile)},
	{"nxos", "fabric/*/*.nxos", readLines(ruleNXOS, "!", checkSwitchFile)},
	{"switch filter", "fabric/*/*.nft", readLines(ruleFRR, "#", checkSwitchFilterFile)},
	{"sonic", "fabric/*/*.sonic", readLines(ruleSONiC, "!", checkSwitchFile)},
	{"sonic", "fabric/*/*.sonic.json", checkConfigDBFile},
}

// lineTreeChecks compare line files with each other and with the objects, once every file has been read.
var lineTreeChecks = []func(p *pass){checkHostsAndSessions, checkBalancers, checkFlows, checkFirewalls, checkSources, checkCards, checkSwitchACLs, checkExpected}

// readLines makes the check of one file of a grammar: the header behind its comment sign, then the statements.
func readLines(rule, comment string, read func(*artifact.File) faults) func(*artifact.File, *pass) {
	return func(f *artifact.File, p *pass) {
		var fs faults
		checkHeader(f.Bytes(), comment, strings.Split(f.Path(), "/")[1], &fs)
		for _, fault := range append(fs, read(f)...) {
			p.report(f, fault.line, rule, "%s", fault.text)
		}
	}
}

func checkChronyFile(f *artifact.File) faults {
	_, fs := parseChrony(f.Bytes()) // what its hosts have is known where groups are compared
	return fs
}

func checkKubeletFile(f *artifact.File) faults {
	_, fs := parseKubeletEnv(f.Bytes())
	return fs
}

func checkSwitchFile(f *artifact.File) faults {
	site, hostname, ext, _ := fabricFile(f.Path()) // the glob has the form
	c, fs := parseSwitchFile(f.Path(), site, hostname, ext, f.Bytes())
	return append(fs, c.check()...)
}

// A lineFault is what is wrong with one line of a file. Line is 1-based; 0 stands for the file as a whole.
type lineFault struct {
	line int
	text string
}

// faults collects the faults of one file.
type faults []lineFault

func (f *faults) add(line int, format string, args ...any) {
	*f = append(*f, lineFault{line, fmt.Sprintf(format, args...)})
}

// scanLines calls visit for each line of data, 1-based and without its line feed. It reports what no line format of the
// tree may contain, whatever its grammar: a missing final line feed (the last statement is lost in some readers), a
// carriage return or another control character, space at the end of a line.
func scanLines(data []byte, fs *faults, visit func(n int, line string)) {
	text := string(data)
	if text == "" {
		fs.add(0, "the file is empty")
		return
	}
	if !strings.HasSuffix(text, "\n") {
		fs.add(strings.Count(text, "\n")+1, "the last line has no line feed")
	}
	n := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		n++
		if i := strings.IndexFunc(line, isControl); i >= 0 {
			fs.add(n, "control character %q", line[i])
			continue
		}
		if strings.TrimRight(line, " ") != line {
			fs.add(n, "space at the end of the line")
		}
		visit(n, line)
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// generatedLine is the first line of every generated file after its comment sign; the site's name stands in between.
const (
	generatedPrefix = " Generated by meshgen from site "
	generatedSuffix = "; do not edit."
)

// checkHeader reports a first line that does not say, behind the comment sign, that the file is generated from site.
// An empty site stands for any.
func checkHeader(data []byte, comment, site string, fs *faults) {
	line, _, _ := strings.Cut(string(data), "\n")
	rest, ok := strings.CutPrefix(line, comment+generatedPrefix)
	name, ok2 := strings.CutSuffix(rest, generatedSuffix)
	switch {
	case !ok || !ok2 || name == "":
		fs.add(1, "the first line does not say that the file is generated")
	case site != "" && name != site:
		fs.add(1, "the first line names site %q, the path site %q", name, site)
	}
}

// hostFile splits hosts/<site>/<group>/<path on the host>. The last part starts with a slash.
func hostFile(p string) (site, group, onHost string, ok bool) {
	parts := strings.SplitN(p, "/", 4)
	if len(parts) < 4 || parts[0] != "hosts" {
		return "", "", "", false
	}
	return parts[1], parts[2], "/" + parts[3], true
}

// fabricFile splits fabric/<site>/<hostname>.<ext>.
func fabricFile(p string) (site, hostname, ext string, ok bool) {
	parts := strings.Split(p, "/")
	if len(parts) != 3 || parts[0] != "fabric" {
		return "", "", "", false
	}
	ext = path.Ext(parts[2])
	return parts[1], strings.TrimSuffix(parts[2], ext), ext, ext != ""
}

package verify

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"meshgen.dev/meshgen/compiler/artifact"
)

// expectedHosts compares settings and sources of time with the files of each group, and its machines with the inventory.
func (p *pass) expectedHosts() {
	groups := map[string]*hostGroup{}
	for _, g := range p.hosts {
		groups[g.name] = g
	}
	for i := range p.expected.Hosts {
		h := &p.expected.Hosts[i]
		members := slices.Sorted(slices.Values(p.machines.folderMembers(h.Name)))
		if have := slices.Sorted(slices.Values(h.Nodes)); len(members) > 0 && !slices.Equal(have, members) {
			p.unexpected("machines of %s: %v, and the inventory has %v", h.Name, have, members)
		}
		g := groups[h.Name]
		delete(groups, h.Name)
		switch {
		case h.Settings < -1 || h.Settings >= len(p.expected.Settings):
			p.unexpected("settings of %s: there is no entry %d", h.Name, h.Settings)
			continue
		case g == nil && h.Settings >= 0:
			p.unexpected("settings of %s, which has no files", h.Name)
			continue
		case g == nil:
			continue
		}
		var sysctls map[string]string
		if h.Settings >= 0 {
			sysctls = p.expected.Settings[h.Settings].Sysctls
		}
		for _, s := range g.settings {
			if have, ok := sysctls[s.key]; !ok || have != s.value {
				p.unexpected("settings of %s: %s is %q, and its files set %s", h.Name, s.key, have, s.value)
			}
		}
		if len(sysctls) != len(g.settings) {
			p.unexpected("settings of %s: %d, and its files have %d", h.Name, len(sysctls), len(g.settings))
		}
		switch {
		case g.chrony != nil:
			if h.MaxOffset != g.chrony.args["logchange"] {
				p.unexpected("time of %s: within %s s, and its chrony.conf logs corrections above %s s", h.Name, h.MaxOffset, g.chrony.args["logchange"])
			}
			p.expectedSources(h, "chrony", g.chrony.sources, g.chronyFile)
		case g.ntpsec != nil:
			p.expectedSources(h, "ntpd", g.ntpsec.sources, g.ntpsecFile)
		}
	}
	for _, name := range sortedKeys(groups) {
		if len(groups[name].settings) > 0 {
			p.unexpected("nothing is expected of hosts %s", name)
		}
	}
}

// expectedSources compares the sources of one file; of one that is asked by its name, a comment has the address.
func (p *pass) expectedSources(h *expectedHosts, daemon string, sources []chronySource, f *artifact.File) {
	if h.Daemon != daemon {
		p.unexpected("time of %s: %s, and its files are of %s", h.Name, h.Daemon, daemon)
	}
	var have, want []string
	if h.Settings < 0 {
		p.unexpected("nothing is expected of the time of %s", h.Name)
		return
	}
	for _, s := range p.expected.Settings[h.Settings].Sources {
		have = append(have, s.Address)
		if !bytes.Contains(f.Bytes(), []byte(s.Address+"\n")) && !bytes.Contains(f.Bytes(), []byte("server "+s.Address+" ")) {
			p.unexpected("time of %s: its file does not have source %s", h.Name, s.Address)
		}
	}
	named := 0
	for _, s := range sources {
		if isAddr(s.name) {
			want = append(want, s.name)
		} else {
			named++
		}
	}
	if len(have) != len(want)+named {
		p.unexpected("time of %s: %d sources, and its file has %d", h.Name, len(have), len(want)+named)
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			p.unexpected("time of %s: it does not expect source %s of its file", h.Name, w)
		}
	}
}

// readOnly are the programs that run.sh may run, and how what it may ask begins, of those that could also change
// something.
var readOnly = map[string][]string{
	"kubectl": nil, // by the function kube alone
	"kube":    {"get"},
	"sysctl":  {"-n"}, "chronyc": {"-n"}, "ntpq": {"-pn"}, "timedatectl": {"show", "show-timesync"},
	"frr": {"show "}, "on_switch": {"show ", "s="},
	"ip": {"-json address show"}, "as_root": {"nft --json list "}, "systemctl": {"is-active "},
	"jq": {}, "awk": {}, "true": {}, "tr": {}, "cat": {}, "id": {}, "uname": {}, "dirname": {}, "sh": {},
	"printf": {}, "read": {}, "set": {}, "shift": {}, "exit": {}, "break": {}, "command": {}, "[": {},
	"usage": {}, "die": {}, "judge": {}, "clock": {}, "check_switch": {}, "check_host": {}, "leaving": {}, "check_kubernetes": {},
	"agents_say": {"encrypt status", "status"}, "routers": {}, "sleep": {},
}

// asksPods are the commands in pods, each of a function: an agent of Cilium, with the words of who calls the function, and BIRD of
// Calico are asked, and change nothing.
var asksPods = map[string]string{
	"agents_say": "exec --namespace kube-system $pod --container cilium-agent -- cilium-dbg $@ --output json",
	"routers":    "exec --namespace $namespace $pod --container calico-node -- birdcl -s /var/run/calico/$socket.ctl show protocols",
}

// readOnlyScripts are scripts with nothing against them that were read in this process: all sites of a fleet have the same.
var readOnlyScripts sync.Map

type readScriptKey struct {
	sum  [sha256.Size]byte
	mode fs.FileMode
}

// readRunScript is the verifier of checks/run.sh: a script of the POSIX shell that reads and changes nothing.
func readRunScript(f *artifact.File, p *pass) {
	key, before := readScriptKey{sha256.Sum256(f.Bytes()), f.Mode()}, len(p.found)
	if _, ok := readOnlyScripts.Load(key); ok {
		return
	}
	defer func() {
		if len(p.found) == before {
			readOnlyScripts.Store(key, true)
		}
	}()
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(bytes.NewReader(f.Bytes()), "run.sh")
	if err != nil {
		p.report(f, 0, ruleRunScript, "not a script of the POSIX shell: %v", err)
		return
	}
	if !bytes.HasPrefix(f.Bytes(), []byte("#!/bin/sh\n# Generated by meshgen; do not edit.")) || f.Mode().Perm()&0o111 == 0 {
		p.report(f, 1, ruleRunScript, "not an executable with the header of a generated file")
	}
	function := ""
	syntax.Walk(parsed, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			function = n.Name.Value
		case *syntax.Redirect:
			to := literal(f, n.Word)
			if strings.HasPrefix(n.Op.String(), ">") && to != "/dev/null" && to != "2" {
				p.report(f, int(n.Pos().Line()), ruleRunScript, "it writes to %s", to)
			}
		case *syntax.CallExpr:
			p.checkReadOnly(f, n, function)
		}
		return true
	})
}

func (p *pass) checkReadOnly(f *artifact.File, call *syntax.CallExpr, function string) {
	if len(call.Args) == 0 {
		return
	}
	report := func(format string, args ...any) { p.report(f, int(call.Pos().Line()), ruleRunScript, format, args...) }
	name := literal(f, call.Args[0])
	asks, known := readOnly[name]
	words := make([]string, len(call.Args)-1)
	for i, a := range call.Args[1:] {
		words[i] = literal(f, a)
	}
	switch {
	case function == "on_switch" && strings.HasPrefix(name, "${MESHGEN_SSH"):
	case function == "as_root" && (name == "$@" || name == "sudo"): // what it is called with is read where it is called
	case !known:
		report("it runs %q", name)
	case name == "kubectl" && strings.Join(words, " ") == asksPods[function]:
	case name == "kubectl" && function != "kube":
		report("it runs kubectl outside of the function kube")
	case len(asks) > 0:
		what := strings.Join(words, " ")
		if !slices.ContainsFunc(asks, func(a string) bool { return strings.HasPrefix(what, a) }) {
			report("%s %q does not only read", name, what)
		}
	}
}

// literal is a word as it is written, without the quotes around it.
func literal(f *artifact.File, w *syntax.Word) string {
	return strings.Trim(string(f.Bytes()[w.Pos().Offset():w.End().Offset()]), `"'`)
}

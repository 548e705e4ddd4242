package verify

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A hostGroup is the files of one group of machines.
type hostGroup struct {
	name            string
	modules         map[string]bool
	settings        []sysctlSetting
	sysctlFiles     []*artifact.File // the file of each setting
	options         []moduleOption
	chrony          *chronyConf
	chronyFile      *artifact.File
	ntpsec          *ntpsecConf
	ntpsecFile      *artifact.File
	ntpsecOptions   bool // the environment of its service is there
	kubelet         *kubeletEnv
	kubeletFile     *artifact.File
	kubeletDropIns  []string // paths on the host
	otherKubeletDir *artifact.File
	protected       *artifact.File // the drop-in with protectKernelDefaults; nil: none
}

// checkHostsAndSessions compares the files of each group of hosts with each other, the groups with the inventory, the
// kubelets' labels with the Node objects, and the two ends of each BGP session.
func checkHostsAndSessions(p *pass) {
	site := p.releases.Site
	s := newSessionSet(p.tree, site, p.balancerObjects(), p.inventory())
	groups := hostGroups(append(p.tree.Files(), p.carried...), site)
	folders := map[string]bool{}
	for _, g := range groups {
		folders[g.name] = true
		g.check(p, s.inventory)
		g.checkNodeLabels(p, s)
	}
	checkOrphans(p, groups, s.inventory)
	checkNTPsec(p, groups, s.inventory)
	if f := p.tree.Lookup(inventoryPath(site)); f != nil {
		for _, fault := range s.inventory.checkFolders(folders) {
			p.report(f, fault.line, ruleInventory, "%s", fault.text)
		}
	}
	pairs, differences := s.sessions()
	p.sessions, p.links, p.hosts, p.machines, p.switches = pairs, s.links, groups, s.inventory, s.switches
	for _, d := range differences {
		if f := p.tree.Lookup(d.File); f != nil {
			p.report(f, d.Line, d.Rule, "%s", d.Text)
		}
	}
}

// hostGroups reads the folders hosts/<site>/<group>, sorted by name.
func hostGroups(files []*artifact.File, site string) []*hostGroup {
	byName := map[string]*hostGroup{}
	for _, f := range files {
		of, name, onHost, ok := hostFile(f.Path())
		if !ok || of != site {
			continue
		}
		g := byName[name]
		if g == nil {
			g = &hostGroup{name: name, modules: map[string]bool{}}
			byName[name] = g
		}
		g.read(f, onHost)
	}
	out := make([]*hostGroup, 0, len(byName))
	for _, name := range sortedKeys(byName) {
		out = append(out, byName[name])
	}
	return out
}

// read takes one file; its own faults are reported by the verifier of its path.
func (g *hostGroup) read(f *artifact.File, onHost string) {
	switch dir, base := path.Split(onHost); {
	case dir == "/etc/sysctl.d/":
		settings, _ := parseSysctl(f.Bytes())
		for _, s := range settings {
			g.settings = append(g.settings, s)
			g.sysctlFiles = append(g.sysctlFiles, f)
		}
	case dir == "/etc/modules-load.d/":
		modules, _ := parseModulesLoad(f.Bytes())
		for m := range modules {
			g.modules[m] = true
		}
	case dir == "/etc/modprobe.d/":
		options, _ := parseModprobe(f.Bytes())
		g.options = append(g.options, options...)
	case base == "chrony.conf":
		g.chrony, _ = parseChrony(f.Bytes())
		g.chronyFile = f
	case onHost == "/etc/ntpsec/ntp.conf":
		g.ntpsec, _ = parseNTPsec(f.Bytes())
		g.ntpsecFile = f
	case onHost == "/etc/default/ntpsec":
		g.ntpsecOptions = true
	case base == "kubelet" && (dir == "/etc/default/" || dir == "/etc/sysconfig/"):
		g.kubelet, _ = parseKubeletEnv(f.Bytes())
		g.kubeletFile = f
	case strings.HasSuffix(dir, "/kubelet.conf.d/"):
		g.kubeletDropIns = append(g.kubeletDropIns, onHost)
		g.otherKubeletDir = f
		if protectLine.Match(f.Bytes()) {
			g.protected = f
		}
	}
}

func (g *hostGroup) check(p *pass, inv *inventory) {
	g.checkSettings(p)
	g.checkProtected(p)
	if g.chrony != nil {
		faults := g.chrony.check(g.designated(inv))
		release, ok := chronyVersionOf(p.releases.Chrony[g.name])
		if !ok {
			release = chronyOldest
		}
		faults = append(faults, g.chrony.newer(release)...)
		for _, fault := range faults {
			p.report(g.chronyFile, fault.line, ruleChrony, "%s", fault.text)
		}
	}
	switch {
	case g.kubelet == nil && len(g.kubeletDropIns) > 0:
		p.report(g.otherKubeletDir, 0, ruleKubelet, "no environment file of this group gives the kubelet --config-dir: it would not read the drop-in")
	case g.kubelet != nil:
		dir := g.kubelet.flags["config-dir"]
		if dir != "" && !slices.ContainsFunc(g.kubeletDropIns, func(on string) bool { return strings.HasPrefix(on, dir+"/") && strings.HasSuffix(on, ".conf") }) {
			p.report(g.kubeletFile, g.kubelet.line, ruleKubelet, "--config-dir %s, and this group has no drop-in there", dir)
		}
	}
}

// checkSettings compares the sysctl.d files of the group with each other and with its modules.
func (g *hostGroup) checkSettings(p *pass) {
	// Lines are numbered by setting here, so that a fault finds its file again.
	numbered := make([]sysctlSetting, len(g.settings))
	var max *sysctlSetting
	first := map[string]int{}
	for i, s := range g.settings {
		numbered[i] = sysctlSetting{s.key, s.value, i}
		if j, ok := first[s.key]; ok {
			p.report(g.sysctlFiles[i], s.line, ruleSysctl, "%s is also set in %s:%d", s.key, g.sysctlFiles[j].Path(), g.settings[j].line)
		} else {
			first[s.key] = i
		}
		if s.key == "net.netfilter.nf_conntrack_max" {
			max = &numbered[i]
		}
	}
	for _, fault := range append(checkSysctlSet(numbered, g.modules), checkConntrack(max, g.options)...) {
		p.report(g.sysctlFiles[fault.line], g.settings[fault.line].line, ruleSysctl, "%s", fault.text)
	}
}

// designated reports whether all machines of the group may serve time.
func (g *hostGroup) designated(inv *inventory) bool {
	members, servers := inv.folderMembers(g.name), inv.reach(timeServers)
	return len(members) > 0 && !slices.ContainsFunc(members, func(m string) bool { return !slices.Contains(servers, m) })
}

// checkNodeLabels compares the labels that the group's kubelets register with, with those of their Node objects: the
// object would change them back.
func (g *hostGroup) checkNodeLabels(p *pass, s *sessionSet) {
	if g.kubelet == nil {
		return
	}
	members := map[string]bool{}
	for _, m := range s.inventory.folderMembers(g.name) {
		members[m] = true
	}
	for _, n := range s.objects.nodes {
		if !members[n.name] {
			continue
		}
		for _, key := range sortedKeys(g.kubelet.labels) {
			if have, ok := n.labels[key]; !ok || have != g.kubelet.labels[key] {
				p.report(g.kubeletFile, g.kubelet.line, ruleKubelet, "--node-labels %s=%s, and the Node object %s has %s", key, g.kubelet.labels[key], n.name, cmp.Or(have, "no such label"))
			}
		}
	}
}

package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// hostDeliveryRules are about how host configuration reaches machines, and where a distribution reads it.
var hostDeliveryRules = []*check.Rule{
	HostFormUnread, KubeletUnplaced, TalosTaintTwice, ReservedWithoutTaint, ControlPlaneStaysTainted, TimesyncdOnly, TimesyncdNTS,
	HostPodsImage, HostPodsTooLate, HostPodsRestart,
}

// systems yields each operating system of the site once, with the place where it is declared.
func systems(s *site.Site) func(func(path, os string) bool) {
	return func(yield func(path, os string) bool) {
		seen := map[string]bool{}
		visit := func(path, os string) bool {
			if os == "" || seen[os] {
				return true
			}
			seen[os] = true
			return yield(path, os)
		}
		for name, c := range byKey(s.NodeClasses) {
			if !visit(site.Join("nodeClasses", name, "os"), c.OS) {
				return
			}
		}
		for m := range machines(s) {
			if !visit(m.path+".os", m.node.OS) {
				return
			}
		}
	}
}

// HostFormUnread finds a system that none of the forms reaches.
var HostFormUnread = &check.Rule{
	ID: "MG2201", Name: "host-form-unread", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an operating system reads none of the forms that host configuration is delivered in

Flatcar has no Python for Ansible and no cloud-init for user-data with packages; Debian and RHEL have no Ignition. The
files would be written, and the machines stay as they were installed.
Source: Flatcar documentation, Ignition; packages of the distributions.`,
	Run: func(p *check.Pass) {
		for path, os := range systems(p.Site) {
			prof := p.Profiles.OS(os)
			if prof == nil || prof.Family == "talos" { // host-form-missing
				continue
			}
			fits := func(f string) bool { return slices.Contains(prof.Forms, f) }
			forms := slices.DeleteFunc(slices.Clone(p.Site.Delivery.Hosts), func(f string) bool { return f == "talos" })
			if len(forms) > 0 && !slices.ContainsFunc(forms, fits) {
				p.Reportf(path, "%s takes host configuration as %s, and it is delivered as %s", os, strings.Join(prof.Forms, ", "), strings.Join(forms, ", ")).
					Related("delivery.hosts", "the forms").Hintf("add one to delivery.hosts")
			}
		}
	},
}

// KubeletUnplaced finds a system on which nobody says where the kubelet of a distribution reads its flags.
var KubeletUnplaced = &check.Rule{
	ID: "MG2202", Name: "kubelet-unplaced", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kubeadm has no packages for the operating system

Where the kubelet reads its flags is then the choice of whoever wrote its unit. The unit that the packages bring reads them from a file that differs between deb and rpm.
Source: kubernetes/release, templates of kubeadm's packages.`,
	Run: func(p *check.Pass) {
		dist := p.Profiles.Distribution(p.Site.Kubernetes.Distribution)
		if dist == nil || dist.Kubelet.ConfigDir == "" {
			return
		}
		for path, os := range systems(p.Site) {
			if prof := p.Profiles.OS(os); prof != nil && prof.Family != "talos" && dist.KubeletEnvFile(prof) == "" {
				p.Reportf(path, "not supported yet: %s on %s", p.Site.Kubernetes.Distribution, os).
					Related("kubernetes.distribution", "what installs Kubernetes").Hintf("k3s and rke2 read options of their own there")
			}
		}
	},
}

// TalosTaintTwice finds two taints of one key on machines that can have one.
var TalosTaintTwice = &check.Rule{
	ID: "MG2203", Name: "talos-taint-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a class that runs Talos has two taints of one key, and its configuration holds one for a key

nodeTaints is a map: the second would take the first one's place.
Source: siderolabs/talos v1.12.11, machine.nodeTaints.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			first := map[string]int{}
			for i, t := range c.Taints {
				key, _ := splitTaint(t)
				path := site.Join("nodeClasses", name, "taints")
				if j, ok := first[key]; ok && strings.HasPrefix(c.OS, "talos") {
					p.Reportf(path+"."+site.Index(i), "class %q has taints %s and %s of one key, and Talos keeps one", name, c.Taints[j], t).
						Related(path+"."+site.Index(j), "the other taint").Hintf("give one of them another key")
					continue
				}
				first[key] = i
			}
		}
	},
}

// ReservedWithoutTaint finds nodes that ordinary pods may not run on and nothing keeps them off.
var ReservedWithoutTaint = &check.Rule{
	ID: "MG2204", Name: "reserved-without-taint", Severity: diag.Error, On: check.OnSite,
	Doc: `ordinary pods may not run on a class of nodes, and no taint keeps them off

The scheduler knows taints and not intentions. On control-plane nodes the taint comes by itself.
Source: Kubernetes documentation, Taints and Tolerations.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			if c.Schedulable == nil || *c.Schedulable || c.ControlPlane {
				continue
			}
			keeps := func(t string) bool {
				_, effect := splitTaint(t)
				return effect == "NoSchedule" || effect == "NoExecute"
			}
			if !slices.ContainsFunc(c.Taints, keeps) {
				p.Reportf(site.Join("nodeClasses", name, "schedulable"), "class %q is not for ordinary pods, and has no taint of effect NoSchedule or NoExecute", name).
					Hintf("add taints: [\"dedicated=%s:NoSchedule\"]", name)
			}
		}
	},
}

// ControlPlaneStaysTainted finds control-plane nodes for ordinary pods whose taint somebody must take away.
var ControlPlaneStaysTainted = &check.Rule{
	ID: "MG2205", Name: "control-plane-stays-tainted", Severity: diag.Note, On: check.OnSite,
	Doc: `ordinary pods may run on a control plane that kubeadm taints when it joins

The taint is kubeadm's, and applying a list without it would take other taints away as well. Until it is removed the nodes
stay empty.
Source: kubernetes cmd/kubeadm/app/phases/markcontrolplane.`,
	Run: func(p *check.Pass) {
		dist := p.Profiles.Distribution(p.Site.Kubernetes.Distribution)
		if dist == nil || dist.Kubelet.ConfigDir == "" || !dist.ControlPlane.Tainted {
			return
		}
		for name, c := range byKey(p.Site.NodeClasses) {
			if c.ControlPlane && c.Schedulable != nil && *c.Schedulable {
				p.Reportf(site.Join("nodeClasses", name, "schedulable"), "class %q is a control plane for ordinary pods, and %s taints it", name, p.Site.Kubernetes.Distribution).
					Related("kubernetes.distribution", "adds the taint").
					Hintf("nodeRegistration.taints: [] where it joins; later kubectl taint nodes -l meshgen.dev/class=%s %s:%s-", name, dist.ControlPlane.Taint.Key, dist.ControlPlane.Taint.Effect)
			}
		}
	},
}

// TimesyncdOnly finds machines whose clock follows one server.
var TimesyncdOnly = &check.Rule{
	ID: "MG2206", Name: "timesyncd-only", Severity: diag.Note, On: check.OnSite,
	Doc: `machines have no time service but systemd-timesyncd, which follows one server at a time

It has no majority: a server that is wrong is followed until it is silent.
Source: systemd-timesyncd.service(8): it implements SNTP; Flatcar documentation, Configuring date and time.`,
	Run: func(p *check.Pass) {
		for path, os := range systems(p.Site) {
			if prof := p.Profiles.OS(os); prof == nil || prof.TimeService != "timesyncd" {
				continue
			}
			p.Reportf(path, "%s has systemd-timesyncd alone: of %d time sources one is followed, right or wrong", os, len(p.Site.Time.Sources)).
				Related("time.sources", "the sources").Hintf("watch these clocks from outside")
		}
	},
}

// TimesyncdNTS finds authenticated sources where the only time service cannot authenticate.
var TimesyncdNTS = &check.Rule{
	ID: "MG2207", Name: "timesyncd-nts", Severity: diag.Error, On: check.OnSite,
	Doc: `a time source is to be authenticated by NTS, and machines have no time service but systemd-timesyncd

It speaks SNTP: the source would be used without authentication.
Source: systemd-timesyncd.service(8).`,
	Run: func(p *check.Pass) {
		for path, os := range systems(p.Site) {
			if prof := p.Profiles.OS(os); prof == nil || prof.TimeService != "timesyncd" {
				continue
			}
			for name, s := range byKey(p.Site.Time.Sources) {
				if at := site.Join("time", "sources", name, "nts"); s.NTS {
					p.Reportf(at, "time source %q uses NTS, and %s speaks SNTP only", name, os).Hintf("nts: false; or another operating system").Related(path, "the operating system").
						Fix(at, "false", "write false")
				}
			}
		}
	},
}

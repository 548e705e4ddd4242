package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// daemonSetForm is the form of host configuration that pods put in place.
const daemonSetForm = "daemonset"

// HostPodsImage finds pods that write files of machines without an image, and an image without such pods.
var HostPodsImage = &check.Rule{
	ID: "MG1306", Name: "host-pods-image", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `pods are to write files of machines and have no image, or no machines; or an image has no pods

The pods run a shell script with programs of their image. meshgen makes no image, and whoever runs the site decides whose
programs may do everything on its machines. Flatcar takes Ignition and Talos machine configuration: no pod writes files there.`,
	Run: func(p *check.Pass) {
		d := p.Site.Delivery
		at := slices.Index(d.Hosts, daemonSetForm)
		switch {
		case at < 0 && d.HostsImage != "":
			p.Reportf("delivery.hostsImage", "an image is named for pods that write files of machines, and host configuration comes as %s", oneOf(d.Hosts)).
				Related("delivery.hosts", "the forms").Hintf(`leave it out, or add "daemonset" to the forms`)
		case at < 0:
		case d.HostsImage == "":
			p.Reportf("delivery.hosts."+site.Index(at), "host configuration comes by a DaemonSet, and its image is not named").
				Hintf(`add delivery: hostsImage: with a tag or a digest; it needs sh, cmp and nsenter, as images of Debian and of BusyBox have them`)
		default:
			for _, os := range systems(p.Site) {
				if prof := p.Profiles.OS(os); prof == nil || slices.Contains(prof.Forms, daemonSetForm) {
					return
				}
			}
			p.Reportf("delivery.hosts."+site.Index(at), "host configuration comes by a DaemonSet, and no machine takes it so").
				Related("nodeClasses", "the machines").Hintf("leave it out")
		}
	},
}

// HostPodsTooLate finds machines that need files before a pod can run there.
var HostPodsTooLate = &check.Rule{
	ID: "MG1307", Name: "host-pods-too-late", Severity: diag.Error, On: check.OnPlan,
	Doc: `files that a machine needs before it joins the cluster come by a DaemonSet alone

A server of k3s or rke2 whose options differ from the others' does not join, and where kube-vip moves the address of the
API, nothing joins before its static pod is there. Pods come after that.
Source: k3s pkg/cluster, critical configuration value mismatch; kube-vip documentation, static pods.`,
	Run: func(p *check.Pass) {
		seen := map[string]bool{}
		for i := range p.Plan.Groups {
			g := &p.Plan.Groups[i]
			what := ""
			switch {
			case seen[g.Class]:
				continue
			case len(g.Forms) != 1 || g.Forms[0] != daemonSetForm:
				continue
			case g.APIAddress != nil:
				what = g.APIAddress.Path
			case g.Supervisor != nil && g.Supervisor.Server:
				what = g.Supervisor.Path
			default:
				continue
			}
			seen[g.Class] = true
			p.Reportf("delivery.hosts", "machines of class %q need %s before they join, and it comes by a DaemonSet", g.Class, what).
				Related(site.Join("nodeClasses", g.Class), "the class").
				Hintf(`add "files" or "cloud-init" to the forms, for the time before the machine joins`)
		}
	},
}

// HostPodsRestart says what the pods leave to people.
var HostPodsRestart = &check.Rule{
	ID: "MG1308", Name: "host-pods-restart", Severity: diag.Note, On: check.OnPlan,
	Doc: `pods write files of machines, and do not install programs or restart the kubelet

A time service or nftables that is missing keeps the pod of the machine from becoming ready. What the kubelet reads when it
starts is written, and holds from its next start on; the log of the pod says so.`,
	Run: func(p *check.Pass) {
		units := map[string]*ir.HostGroup{}
		for i := range p.Plan.Groups {
			if g := &p.Plan.Groups[i]; g.Has(daemonSetForm) && units[g.Unit] == nil {
				units[g.Unit] = g
			}
		}
		for unit, g := range byKey(units) {
			p.Reportf("delivery.hosts", "pods write the files of machines, and somebody has to install %s and to restart %s after a change of its files",
				oneOf(g.Packages), unit).Related(site.Join("nodeClasses", g.Class), "machines of this class")
		}
	},
}

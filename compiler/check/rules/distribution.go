package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// distributionRules are about what installs the cluster.
var distributionRules = []*check.Rule{
	DistributionUnknown,
}

// DistributionUnknown refuses a cluster of which nobody says what installed it.
var DistributionUnknown = &check.Rule{
	ID: "MG5422", Name: "distribution-unknown", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `nobody says what installs the cluster, and with it goes half of the hosts' configuration

It decides where kubelets read their options and taints, who owns kube-proxy's configuration and in which form, on which
port API servers listen behind the address, which ports of machines are open to whom (the flows, the filters of hosts and
switches, the source ports that are kept free), where static pods stand, where container runtimes look for CNI plug-ins, and
how certificates of the cluster are renewed. A guess would be wrong in silence: a file that no kubelet reads changes nothing
on the machine, and a port that is closed cuts it off. An installer that runs kubeadm (kubespray, Cluster API) is kubeadm.
Source: profiles of the distributions, each read in its source.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Kubernetes.Distribution; p.Profiles.Distribution(d) == nil {
			p.Reportf("kubernetes.distribution", "distribution %q does not say what installs the cluster: where kubelets read their options, who configures kube-proxy, which ports machines use, where API servers listen", d).
				Hintf("say which: %s; what runs kubeadm underneath is \"kubeadm\"", strings.Join(p.Profiles.Distributions(), ", "))
		}
	},
}

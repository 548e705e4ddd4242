package plan

import (
	"regexp"

	"meshgen.dev/meshgen/compiler/diff"
)

// row is a line of the table: what changed → what follows. The first row that fits decides.
type row struct {
	component string
	kind      *regexp.Regexp // of the change: kind of object or of file
	name      *regexp.Regexp // nil: any
	at        *regexp.Regexp // of a hunk: its place and the statement or field; nil: any
	on        diff.Status    // "": changed or renamed; Added and Removed are for a whole entity, or lines that only come or go
	effect    Effect
	what      string
	source    string
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

// Sources of the table, read on 2026-11-21.
const (
	bgpOpen      = "RFC 4271, section 4.2: AS number, hold time and identifier are told when a session opens"
	frrPeer      = "FRR master fbfc8222, bgpd/bgpd.c: peer_as_change, peer_password_set, peer_update_source_if_set, peer_flag_action_list; other switches are taken to do the same"
	frrRouter    = "FRR master fbfc8222, bgpd/bgp_vty.c: router bgp with another number is refused while one runs, so that it is removed first"
	refresh      = "RFC 2918 and RFC 7313: routes are sent again within a session"
	xds          = "istio.io, Architecture: istiod sends configuration to running proxies"
	calicoEgress = "docs.tigera.io, Calico Enterprise 3.23: Configure egress gateways, on-premises; Optimize egress networking for long-lived TCP connections"
	calicoPools  = "projectcalico/calico v3.31.7, felix/dataplane/linux/masq_mgr.go"
	injected     = "istio.io, Installing the Sidecar: the proxy is put in when a pod is made"
	helm         = "kubernetes.io, Deployments and DaemonSets: another pod template replaces the pods"
	systemd      = "systemd.io, sysctl.d(5), modules-load.d(5), modprobe.d(5)"
	kubelet      = "kubernetes.io, Kubelet Configuration Directory: read at start; a restart leaves pods alone"
)

// table is every consequence. Rows for one kind stand together, the particular before the general.
var table = []row{
	// Switches. What no row knows is taken for the worst.
	{diff.Fabric, re("^switch$"), nil, re(`^$`), diff.Added, Nothing, "the switch is new", bgpOpen},
	{diff.Fabric, re("^switch$"), nil, re(`^$`), diff.Removed, SessionReset, "all sessions of the switch end", bgpOpen},
	{diff.Fabric, re("^switch$"), nil, re(`description`), "", Nothing, "a description", frrPeer},
	{diff.Fabric, re("^switch$"), nil, re(`(^| / )(no )?router bgp \d+$|(bgp )?router-id `), "", SessionReset, "BGP of the switch is made anew: all of its sessions end", frrRouter},
	{diff.Fabric, re("^switch$"), nil, re(`bgp_asn`), "", SessionReset, "BGP of the switch is made anew: all of its sessions end", frrRouter},
	{diff.Fabric, re("^switch$"), nil, re(`timers|holdtime|keepalive|graceful-restart`), "", Reload, "agreed when a session opens: in force at its next start, and at both ends", bgpOpen},
	{diff.Fabric, re("^switch$"), nil, re(`^bfd|bfd interval|/ profile|neighbor \S+ bfd`), "", Reload, "BFD agrees on it while it runs", "RFC 5880, section 6.8.3"},
	{diff.Fabric, re("^switch$"), nil, re(`route-map|prefix-list|access-list|access-group|maximum-|max-prefix|network |bestpath|send-community|idle-restart|redistribute|table-map`), "", Reload, "filters and paths are worked out anew, sessions stay", refresh},
	{diff.Fabric, re("^switch$"), nil, re(`neighbor |template peer|inherit peer|BGP_NEIGHBOR|BGP_PEER`), diff.Added, Reload, "a session is added, the others stay", bgpOpen},
	{diff.Fabric, re("^switch$"), nil, re(`remote-as|asn|password|update-source|passive|ttl-security|ebgp-multihop|activate|peer.group|local-as`), "", SessionReset, "the sessions that it belongs to end and open again", frrPeer},
	{diff.Fabric, re("^switch$"), nil, nil, "", SessionReset, "no row of the table knows it: taken for the worst", bgpOpen},
	{diff.Fabric, re("^flows$"), nil, nil, "", Nothing, "whoever runs the firewalls opens these flows first", "docs of the tree: flows.csv"},
	{diff.Fabric, re("^balancer$"), nil, nil, "", Reload, "haproxy and keepalived are reloaded; connections stay", "haproxy.org, Management Guide, section 4; keepalived(8): SIGHUP"},

	// Machines. Files of a machine that is new change nothing that runs.
	{diff.Hosts, re("^kernel settings$"), nil, nil, "", Reload, "systemd-sysctl sets them at once; what is set no longer keeps its value until the next boot", systemd},
	{diff.Hosts, re("^kernel modules$"), nil, nil, "", Reload, "systemd-modules-load loads them at once; what is no longer named stays until the next boot", systemd},
	{diff.Hosts, re("^kernel module options$"), nil, re(`nf_conntrack`), "", Reload, "the file says how it is set at once", systemd},
	{diff.Hosts, re("^kernel module options$"), nil, nil, "", Reboot, "taken when the module is loaded", systemd},
	{diff.Hosts, re("^time service$"), nil, nil, "", Reload, "the time service is restarted; pods go on, and an offset beyond the limit is stepped in its first updates", "chrony 4.8, chrony.conf(5): read at start; makestep"},
	{diff.Hosts, re("^kubelet"), nil, nil, "", KubeletRestart, "the kubelet is restarted; pods go on, labels and taints of nodes that exist stay as they are", kubelet},
	{diff.Hosts, re("^static pod$"), nil, nil, "", PodRestart, "the kubelet replaces the pod", "kubernetes.io, Create static Pods"},
	{diff.Hosts, re("^packet filter$"), nil, nil, "", Reload, "the filter is replaced in one step; what it tracks stays", "nft(8): a file is one transaction"},
	{diff.Hosts, re("^machine configuration$"), re(`talos`), nil, "", Reboot, "talosctl apply-config restarts the machine where it must", "talos.dev, Editing Machine Configuration: --mode=auto"},
	{diff.Hosts, re("^machine configuration$"), nil, nil, "", Nothing, "read when a machine is installed, never after", "cloud-init.io and coreos.github.io/ignition: first boot"},
	{diff.Hosts, re("^(inventory|playbook)$"), nil, nil, "", Nothing, "how machines are reached", "docs.ansible.com"},
	{diff.Hosts, re("."), nil, nil, "", Reload, "what reads the file is reloaded", systemd},

	// Load balancer.
	{diff.Kubernetes, re("^BGPPeer$"), nil, nil, diff.Added, Reload, "sessions are added, the others stay", bgpOpen},
	{diff.Kubernetes, re("^BGPPeer$"), nil, nil, diff.Removed, SessionReset, "its sessions end", bgpOpen},
	{diff.Kubernetes, re("^(BGPPeer|BgpPeer|CiliumBGPPeerConfig)$"), nil, re(`[hH]oldTime|[kK]eep[aA]live|connect(Time|Retry)`), "", Reload, "agreed when a session opens: in force at its next start, and at both ends", bgpOpen},
	{diff.Kubernetes, re("^BGPPeer$"), nil, re(`bfdProfile`), "", Reload, "BFD comes or goes beside the session", "RFC 5882, section 4.1"},
	{diff.Kubernetes, re("^(BGPPeer|BgpPeer|BgpConf|CiliumBGP(PeerConfig|ClusterConfig))$"), nil, nil, "", SessionReset, "the sessions that it belongs to end and open again", frrPeer},
	{diff.Kubernetes, re("^BFDProfile$"), nil, nil, "", Reload, "BFD agrees on it while it runs", "RFC 5880, section 6.8.3"},
	{diff.Kubernetes, re("^(IPAddressPool|Eip|CiliumLoadBalancerIPPool|BGPAdvertisement|L2Advertisement|CiliumBGPAdvertisement|CiliumL2AnnouncementPolicy)$"), nil, nil, "", Reload, "addresses are announced as it says within seconds", refresh},

	// Nodes and namespaces.
	{diff.Kubernetes, re("^Node$"), nil, re(`NoExecute`), "", PodRestart, "pods that do not tolerate it leave the node", "kubernetes.io, Taints and Tolerations"},
	{diff.Kubernetes, re("^Node$"), nil, nil, "", Nothing, "counts for what is scheduled from then on", "kubernetes.io, Taints and Tolerations"},
	{diff.Kubernetes, re("^Namespace$"), nil, re(`dataplane-mode`), "", Reload, "the node's proxy takes the pods over at once; open connections stay as they are", "istio.io, Add workloads to an ambient mesh"},
	{diff.Kubernetes, re("^Namespace$"), nil, re(`egressGatewayPolicy`), "", Reload, "nodes send what its pods send to the policy's destinations by its gateways at once; connections that are open there break", calicoEgress},
	{diff.Kubernetes, re("^Namespace$"), nil, re(`istio\.io/rev|istio-injection|linkerd\.io|consul`), "", ProxyRestart, "a pod gets the other proxy when it starts again: the namespace's workloads are restarted", injected},
	{diff.Kubernetes, re("^Namespace$"), nil, nil, "", Nothing, "counts for pods that are made from then on", "kubernetes.io, Pod Security Admission"},

	// Mesh, gateways, policy: what controllers give to what runs.
	{diff.Kubernetes, re("^ConfigMap$"), re(`kube-proxy$`), nil, "", PodRestart, "kube-proxy reads it at start: its DaemonSet is restarted, node by node; connections go on", "kubernetes.io, kube-proxy: --config"},
	{diff.Kubernetes, re("^(Deployment|DaemonSet|StatefulSet)$"), nil, re(`template`), "", PodRestart, "its pods are replaced", helm},
	{diff.Kubernetes, re("^PeerAuthentication$"), nil, nil, "", Reload, "proxies require it within seconds, and end connections that are not so", xds},
	{diff.Kubernetes, re("^(NetworkPolicy|Cilium(Clusterwide)?NetworkPolicy|CiliumEgressGatewayPolicy)$"), nil, nil, "", Reload, "every node enforces it within seconds; what is open and no longer allowed may end", "kubernetes.io, Network Policies"},
	{diff.Kubernetes, re("^EgressGateway$"), nil, re(`template|ipPools`), "", PodRestart, "its pods are replaced one after the other, and connections by way of them break", calicoEgress},
	{diff.Kubernetes, re("^IPPool$"), re("pods-of-"), nil, "", Reload, "nodes translate what goes there, or no longer do, within seconds; connections that it concerns break", calicoPools},
	{diff.Kubernetes, re("^(EgressGateway|EgressGatewayPolicy|IPPool)$"), nil, re("^$"), diff.Added, Nothing, "a namespace has to name it first", calicoEgress},
	{diff.Kubernetes, re("^(EgressGateway|EgressGatewayPolicy|IPPool)$"), nil, nil, "", Reload, "nodes take up within seconds where packets leave; connections that go another way then break", calicoEgress},
	{diff.Kubernetes, re("^(Prometheus|PodMonitor|ServiceMonitor|Kustomization|ClusterRole|Role)"), nil, nil, "", Nothing, "read by who watches or delivers", "prometheus-operator.dev"},
	{diff.Kubernetes, re("^(Certificate|Issuer|ExternalSecret|Secret)$"), nil, nil, "", Reload, "the Secret is made again, and whoever holds it takes it up", "cert-manager.io, Certificate; external-secrets.io, ExternalSecret"},
	{diff.Kubernetes, re("."), nil, nil, "", Reload, "what runs takes it up within seconds", xds},

	// Charts: values, and versions in the list of releases.
	{diff.Charts, re("^(chart values|releases)$"), nil, re(`^$|^releases\[[^]]+\] / `), diff.Added, Nothing, "it comes beside what runs", helm},
	{diff.Charts, re("^releases$"), nil, re(`needs|labels|repositories`), "", Nothing, "the order of installation", "helmfile.readthedocs.io"},
	{diff.Charts, re("."), re(`^gateway-`), re(`^(service|loadBalancer|replicaCount|autoscaling|podDisruptionBudget)`), "", Reload, "the Service or the number of pods; those that run stay", helm},
	{diff.Charts, re("."), re(`^gateway-`), nil, "", PodRestart, "the gateway's pods are replaced one at a time, within its disruption budget", helm},
	{diff.Charts, re("."), re(`^istiod`), re(`^(meshConfig)`), "", Reload, "istiod reads it anew and sends it to the proxies", xds},
	{diff.Charts, re("."), re(`^istiod`), re(`proxy|sidecar`), "", ProxyRestart, "in force for a pod when it starts again", injected},
	{diff.Charts, re("."), re(`^istio-base`), nil, "", Reload, "kinds of objects, which serve the older release as well", "istio.io, Canary Upgrades"},
	{diff.Charts, re("."), re(`^(istiod|linkerd-control-plane|consul|linkerd-crds)`), nil, "", PodRestart, "the control plane's pods are replaced; proxies go on with what they have", helm},
	{diff.Charts, re("."), re(`^(metallb|cilium|openelb|kube-vip)`), nil, "", SessionReset, "its pods are replaced node by node, and the sessions of the node with them", helm},
	{diff.Charts, re("."), re(`^(istio-cni|linkerd2-cni)`), nil, "", PodRestart, "the node agent is replaced node by node; a pod that starts meanwhile waits", helm},
	{diff.Charts, re("."), re(`^ztunnel`), nil, "", PodRestart, "the node's proxy is replaced node by node, and connections of its pods end", "istio.io, Upgrade with Helm (ambient): ztunnel"},
	{diff.Charts, re("^script$"), nil, nil, "", Nothing, "how the charts are installed", helm},
	{diff.Charts, re("."), nil, nil, "", PodRestart, "the release's pods are replaced", helm},

	{diff.GitOps, re("."), nil, nil, "", Nothing, "what delivers the tree takes it up", "argo-cd.readthedocs.io; fluxcd.io"},
	{diff.Checks, re("."), nil, nil, "", Nothing, "what the site is held against", "checks/run.sh"},
	{diff.Documents, re("."), nil, nil, "", Nothing, "read by people", "docs of the tree"},
	{diff.Others, re("."), nil, nil, "", Nothing, "read by nobody at run time", "the tree"},
}

package ir

import (
	"net/netip"
	"slices"
)

// Node is one machine of the cluster.
type Node struct {
	Name         string
	Rack         string
	Zone         string // failure domain: topology.kubernetes.io/zone
	Class        string
	Group        string // the HostGroup that holds its files
	Addresses    []netip.Addr
	Labels       []KV    // that meshgen owns, sorted by key
	Taints       []Taint // that the class declares; the distribution's own are not among them
	ControlPlane bool
	Speaker      bool         // opens BGP sessions
	Egress       []netip.Addr // fixed source addresses that the machine has besides
	From         From
}

// HostGroup is a set of machines with the same files: a rack's nodes of one class, or one node that differs.
type HostGroup struct {
	Name          string // "r1-edge", or the node's name
	Rack, Class   string
	OS            string // key of the OS profile: "debian12"
	Nodes         []string
	Conntrack     Conntrack
	Sysctls       []Sysctl       // in print order
	Modules       []Module       // by name
	ModuleOptions []ModuleOption // by module
	Time          TimeDaemon
	Kubelet       Kubelet
	Supervisor    *Supervisor          // nil: the kubelet is a service of its own
	Talos         *Talos               // nil: the machines have files
	APIAddress    *KubeVIPControlPlane // nil: these machines do not move the address of the API
	SourceNAT     *SourceNAT           // nil: pods' packets leave as the pod network has them
	Firewall      *HostFirewall        // nil: these machines take everything, or Talos filters
	Cards         *Cards               // nil: the network cards stay as their driver has them
	Packages      []string             // that the time service, the packet filter and what sets up network cards come in, for what installs them
	TimeUnit      string               // systemd unit of the time service; "" where it is none
	Unit          string               // systemd unit that runs the kubelet; "" where it is none
	Forms         []string             // of host configuration that these machines get, in the order of the site
	From          From
}

// Has reports whether the group gets its configuration in one of the forms.
func (g *HostGroup) Has(forms ...string) bool {
	return slices.ContainsFunc(forms, func(f string) bool { return slices.Contains(g.Forms, f) })
}

// Cards is what is set up of a machine's network cards.
type Cards struct {
	Names []string // sorted; never a bond
	RX    int      // packets in the ring of received ones; 0: as the driver has it
	TX    int      // packets in the ring of those to send; 0: as the driver has it
	Mask  string   // CPUs that received packets are spread over, as the kernel writes them; "": none
	Flows int      // that are steered to the CPU of their reader, of all queues of a card together; 0: none
	From  From
}

// Supervisor is the drop-in of a distribution whose one program runs the kubelet and kube-proxy.
type Supervisor struct {
	Path      string // absolute
	Server    bool   // of a control-plane node; the others are agents and know fewer options
	Taints    []Taint
	ProxyArgs []string // "proxy-mode=nftables"; none where kube-proxy is replaced
	NoProxy   bool     // servers: kube-proxy is replaced
	Interface KV       // of the node network, for the pod network; Key "": the machines have no other network
	Names     []string // servers: what their certificate is for, besides their own names and addresses
	Off       []Option // servers: lists that turn off what the site brings itself
	CNI       []KV     // servers: who brings the pod network
	From      From
}

// Option is one option of a program that takes a list.
type Option struct {
	Key    string
	Values []string
	From   From
}

// Talos is what a machine configuration says besides kernel settings and time.
type Talos struct {
	ControlPlane bool
	Firewall     *TalosFirewall // nil: the machines take everything
	Endpoint     string         // URL by which the machine finds the API
	Names        []string       // control plane: what the API's certificate is for, besides the machine's own names and addresses
	Schedulable  bool           // control plane: it carries ordinary pods
	NoCNI        bool           // control plane: the pod network is somebody else's
	ProxyMode    string         // control plane; "" where kube-proxy is replaced
	ProxyArgs    []KV           // control plane
	NodeNets     []string       // where the node's own addresses lie; nil: the machines have no others
	NodeNetsFrom From
	BuiltIn      []Module // that the site needs and the kernel has
	From         From
}

// Conntrack is the sizing of the connection table of a host, all terms of the formula kept for the comment
// (E = pods x connections + ingress + closes x timeWait; Max = max(262144, next power of two of 2 x max(E, EPod))).
type Conntrack struct {
	Pods           int // pods on a node
	ConnsPerPod    int // concurrent connections of a pod, both directions
	Ingress        int // gateway connections that may land on one node of the class
	ClosesPerSec   int
	TimeWaitSecs   int
	Entries        int // expected entries in the host's table
	PodEntries     int // expected entries in the largest pod's own table
	Max            int // net.netfilter.nf_conntrack_max
	Buckets        int // hashsize
	MemoryMiB      int // tables at the expected load
	FullMemoryMiB  int // tables when full
	MemoryPermille int // full tables, in thousandths of the node's memory
	Why            string
	From           From
}

// Sysctl is one host-scoped kernel setting.
type Sysctl struct {
	Key, Value string
	Reason     string // one line, without "#"
	Why        string // formula or rule
	From       From
}

// Module is a kernel module to load at boot.
type Module struct {
	Name   string
	Reason string
	From   From
}

// ModuleOption is a line "options module key=value".
type ModuleOption struct {
	Module, Key, Value string
	Reason             string
	Why                string
	From               From
}

// Kubelet is what meshgen sets of the kubelet, and how it gets there.
type Kubelet struct {
	ConfigDir  string // absolute: --config-dir
	EnvFile    string // absolute: the file that KUBELET_EXTRA_ARGS is read from
	MaxPods    int
	Protect    bool    // protectKernelDefaults: the settings that it insists on are among the group's
	Taints     []Taint // registerWithTaints
	NodeLabels []KV    // --node-labels: those that NodeRestriction lets a kubelet set
	From       From
}

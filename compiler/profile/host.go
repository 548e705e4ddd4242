package profile

// OS is a release of a Linux distribution on the nodes.
type OS struct {
	Family      string   `json:"family"`                // debian, rhel, flatcar, talos
	Packaging   string   `json:"packaging"`             // deb, rpm, none
	Kernel      string   `json:"kernel"`                // line of its own kernel
	Systemd     string   `json:"systemd,omitempty"`     // "": something else is the first process
	Forms       []string `json:"forms"`                 // of host configuration that reach it
	TimeService string   `json:"timeService,omitempty"` // the one that cannot be exchanged; "": the one that the site asks for
	BuiltIn     bool     `json:"builtIn,omitempty"`     // its modules are parts of the kernel
	Chrony      Chrony   `json:"chrony"`                // zero where there is no package of it
	NTPsec      NTPsec   `json:"ntpsec"`                // likewise
	Leap        Leap     `json:"leap"`
	Sources     Sources  `json:"sources"`
}

// Chrony is how an OS packages chrony. Paths are absolute.
type Chrony struct {
	Version   string `json:"version"` // the lowest of its maintained updates
	Config    string `json:"config"`
	DriftFile string `json:"driftFile"`
	DumpDir   string `json:"dumpDir"` // NTS keys and cookies
	KeyFile   string `json:"keyFile"`
	User      string `json:"user"`
	Unit      string `json:"unit"` // of systemd
}

// NTPsec is how an OS packages NTPsec, whose daemon is called ntpd. Paths are absolute.
type NTPsec struct {
	Package   string `json:"package"`
	Version   string `json:"version"` // the lowest of its maintained updates
	Config    string `json:"config"`  // beside it, ntpd reads ntp.d/*.conf
	Options   string `json:"options"` // environment of the service
	DriftFile string `json:"driftFile"`
	LeapFile  string `json:"leapFile"` // of a package that it depends on
	Unit      string `json:"unit"`     // of systemd
}

// Leap is the time zone that holds the leap seconds, and the package that brings it.
type Leap struct {
	TimeZone string `json:"timeZone"`
	Package  string `json:"package"`
}

// Distribution is the installer of Kubernetes, and where it leaves things on a node.
type Distribution struct {
	APIServerPort uint16           `json:"apiServerPort"`
	HostPorts     []Listener       `json:"hostPorts"`
	Kubelet       KubeletFiles     `json:"kubelet"`              // zero where it is configured otherwise
	Supervisor    *Supervisor      `json:"supervisor,omitempty"` // nil: the kubelet is a service of its own
	KubeProxy     *KubeProxyObject `json:"kubeProxy,omitempty"`  // nil: it is not run from a ConfigMap
	StaticPods    *StaticPods      `json:"staticPods,omitempty"` // nil: the kubelet starts none from a folder
	ControlPlane  ControlPlane     `json:"controlPlane"`
	Sources       Sources          `json:"sources"`
}

// KubeletEnvFile returns the file that the kubelet's variable is read from on an OS; "" when either is unknown.
func (d *Distribution) KubeletEnvFile(os *OS) string {
	if d == nil || os == nil {
		return ""
	}
	return d.Kubelet.EnvFile[os.Packaging]
}

// StaticPods is where the kubelet starts pods from by itself, and what they may use. Paths are absolute.
type StaticPods struct {
	Folder     string `json:"folder"`
	Kubeconfig string `json:"kubeconfig"` // of a control-plane node, with every right; there once its API has started
}

// KubeletFiles are the files of the kubelet. Paths are absolute.
type KubeletFiles struct {
	ConfigDir   string            `json:"configDir"`   // for --config-dir; it must exist before the flag is given
	Config      string            `json:"config"`      // the file that drop-ins are merged over
	EnvVariable string            `json:"envVariable"` // whose value ends its command line
	EnvFile     map[string]string `json:"envFile"`     // by packaging
}

// KubeProxyObject is the ConfigMap that kube-proxy is run from.
type KubeProxyObject struct {
	Namespace  string `json:"namespace"`
	ConfigMap  string `json:"configMap"`
	Key        string `json:"key"`        // its value is the whole configuration: applying it replaces the file
	Kubeconfig string `json:"kubeconfig"` // clientConnection.kubeconfig, which must be in that configuration
	DaemonSet  string `json:"daemonSet"`  // to be restarted for a change
}

// Supervisor is the one program of a distribution that runs kubelet and kube-proxy, and reads options from drop-ins.
type Supervisor struct {
	Config string          `json:"config"` // absolute path of a drop-in
	Units  SupervisorUnits `json:"units"`
	Join   uint16          `json:"join"` // port at the address of the API where servers and agents join
	Off    []Option        `json:"off"`  // what servers bring, and a load balancer of the site's replaces
	CNI    SupervisorCNI   `json:"cni"`
}

// SupervisorUnits are its systemd units.
type SupervisorUnits struct {
	Server string `json:"server"` // on control-plane nodes
	Agent  string `json:"agent"`  // on the others
}

// Option is a list that is one option of a program.
type Option struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}

// SupervisorCNI is how a supervisor is told which pod network to bring.
type SupervisorCNI struct {
	Key       string                       `json:"key"`                 // its value is "none" where somebody else brings the pod network
	Packaged  map[string]map[string]string `json:"packaged"`            // value by pod network and encapsulation
	Interface string                       `json:"interface,omitempty"` // option that names the interface of the node network
	NoPolicy  []string                     `json:"noPolicy"`            // options that are true with "none"
	Folders   CNIFolders                   `json:"folders,omitzero"`    // while it brings the pod network; empty: those of everybody
}

// CNIFolders are where a container runtime looks for plug-ins on a host.
type CNIFolders struct {
	Net string `json:"net"` // their configuration
	Bin string `json:"bin"` // the plug-ins themselves
}

// ControlPlane is how control-plane nodes are marked.
type ControlPlane struct {
	Taint   Taint    `json:"taint"`
	Tainted bool     `json:"tainted"` // the distribution adds the taint by itself; else the node's configuration does
	Labels  []string `json:"labels"`  // with an empty value
}

// Taint is a node taint without a value.
type Taint struct {
	Key    string `json:"key"`
	Effect string `json:"effect"`
}

// Kubernetes is what holds for every distribution.
type Kubernetes struct {
	NodePorts      PortRange                      `json:"nodePorts"` // default of the API server
	KubeProxyModes map[string]*KubeProxyMode      `json:"kubeProxyModes"`
	SafeSysctls    map[string]SafeSysctl          `json:"safeSysctls"` // a pod may have them without leave of the kubelet
	Releases       map[string]*KubernetesRelease  `json:"releases"`
	GatewayAPI     map[string]*GatewayAPIRelease  `json:"gatewayAPI"`
	CertManager    map[string]*CertManagerRelease `json:"certManager"`
	Sources        Sources                        `json:"sources"`
}

// Release returns the row of a version of Kubernetes, or nil.
func (k *Kubernetes) Release(version string) *KubernetesRelease {
	if k == nil {
		return nil
	}
	return release(k.Releases, version)
}

// GatewayAPIRelease returns the row of a bundle of the Gateway API, or nil.
func (k *Kubernetes) GatewayAPIRelease(version string) *GatewayAPIRelease {
	if k == nil {
		return nil
	}
	return release(k.GatewayAPI, version)
}

// CertManagerRelease returns the row of a version of cert-manager, or nil.
func (k *Kubernetes) CertManagerRelease(version string) *CertManagerRelease {
	if k == nil {
		return nil
	}
	return release(k.CertManager, version)
}

// CertManagerLines returns the known release lines of cert-manager, oldest first.
func (k *Kubernetes) CertManagerLines() []string {
	if k == nil {
		return nil
	}
	return lines(k.CertManager)
}

// GatewayAPILines returns the known lines of bundles, oldest first.
func (k *Kubernetes) GatewayAPILines() []string {
	if k == nil {
		return nil
	}
	return lines(k.GatewayAPI)
}

// KubernetesRelease is one minor release.
type KubernetesRelease struct {
	EOL string `json:"eol"` // the day after which upstream publishes no patch
	Source
}

// CertManagerRelease is one minor release of cert-manager.
type CertManagerRelease struct {
	Kubernetes Window `json:"kubernetes"` // supported
	Source
}

// GatewayAPIRelease is a line of bundles of CRDs.
type GatewayAPIRelease struct {
	Routes map[string]RouteVersions `json:"routes"` // by kind
	Source
}

// RouteVersions are the versions that a kind is served at; none where the channel has no such kind.
type RouteVersions struct {
	Standard     []string `json:"standard,omitempty"`
	Experimental []string `json:"experimental"`
}

// Of returns the versions of a channel.
func (r RouteVersions) Of(channel string) []string {
	if channel == "experimental" {
		return r.Experimental
	}
	return r.Standard
}

// PortRange is inclusive at both ends.
type PortRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// KubeProxyMode is what a mode of kube-proxy needs.
type KubeProxyMode struct {
	Kernel     string `json:"kernel,omitempty"` // the lowest; "" for any
	NFT        string `json:"nft,omitempty"`    // the lowest release of the nft program; "" when not used
	Beta       string `json:"beta,omitempty"`   // Kubernetes release before which it is off, or not there; "" when it always was
	Stable     string `json:"stable,omitempty"`
	Deprecated string `json:"deprecated,omitempty"` // Kubernetes release since which it is; "" when it is not
	Source
}

// SafeSysctl is a setting of the kubelet's safe list. "" means always.
type SafeSysctl struct {
	Kernel   string `json:"kernel,omitempty"`   // below it the kubelet drops the setting
	Baseline string `json:"baseline,omitempty"` // Kubernetes release from which Pod Security baseline and restricted admit it
}

// Safe reports whether a pod may have a setting with a kernel and under Pod Security baseline of a Kubernetes release.
func (k *Kubernetes) Safe(key string, kernel Kernel, version string) bool {
	s, ok := k.SafeSysctls[key]
	if !ok {
		return false
	}
	floor, err := ParseVersion(s.Kernel)
	return (s.Kernel == "" || err == nil && kernel.AtLeast(floor)) && AtLeast(version, s.Baseline)
}

package plan

// Effect is what a change does to what runs, the worse the higher.
type Effect int

// Effects.
const (
	Nothing        Effect = iota // nothing that runs takes notice
	Reload                       // taken up by what runs, which goes on
	ProxyRestart                 // in force for a pod when it starts again
	PodRestart                   // pods are replaced
	KubeletRestart               // pods go on
	SessionReset                 // BGP sessions end and open again
	Reboot                       // the machine starts again
)

var effectNames = [...]string{"nothing", "reload", "proxy restart", "pod restart", "kubelet restart", "session reset", "reboot"}

func (e Effect) String() string { return effectNames[e] }

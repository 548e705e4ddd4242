package ir

// HostPods is what writes the files of machines from inside the cluster: a DaemonSet for each group of form daemonset.
type HostPods struct {
	Namespace   string
	Image       string
	PullSecret  string // "" for none
	RecheckSecs int    // between two comparisons of the files with what the machine has
	Resources   Resources
	Groups      []HostPodsGroup // by name
	From        From
}

// HostPodsGroup is the DaemonSet of one host group.
type HostPodsGroup struct {
	Group string   // name of the HostGroup
	Nodes Selector // exactly its machines
	From  From     // whatever may change one of its files
}

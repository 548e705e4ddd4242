package ir

// Registry is where the site takes images and charts from in place of upstream.
type Registry struct {
	Hosts  []string // host names that output may refer to, sorted
	Closed bool     // nothing may refer to a public host
	Copies []Copy   // what has to be there before the site is installed, by kind and upstream name
	From   From
}

// Copy is one thing that the registry, or the folder of the tree, must hold.
type Copy struct {
	Kind     string // chart, images, manifest
	Upstream string
	Here     string
	Version  string // "": that of the chart that names it
	From     From
}

// ChartValue is one value of a chart. One of Text and List is set.
type ChartValue struct {
	Key   string // "speaker.image.repository"
	Text  string
	List  []string // names
	Named bool     // each of List is written as "name: …"
	From  From
}

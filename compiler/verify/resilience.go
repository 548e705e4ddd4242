package verify

func readResilience(r *switchReader, a args) {
	if r.resilient == nil {
		r.resilient = map[string]resilience{}
	}
	r.once(r.resilient[a["prefix"]].line != 0, "the resilience of "+a["prefix"])
	r.resilient[a["prefix"]] = resilience{a.number("hops"), r.line}
}

// checkResilience: where connections stay for one network of virtual addresses they stay for all, and the table of next hops
// has a place for each path that the switch uses.
func (c *switchConf) checkResilience(fs *faults) {
	if len(c.resilient) == 0 {
		return
	}
	left := map[string]bool{}
	for prefix, r := range c.resilient {
		left[prefix] = true
		if r.hops < c.maxPaths {
			fs.add(r.line, "the table of %s has %d next hops, and the switch uses up to %d paths", prefix, r.hops, c.maxPaths)
		}
	}
	for _, name := range []string{"VIPS", "SITE_VIPS"} {
		l := c.lists[objectPrefix(c.site)+name]
		if l == nil {
			continue
		}
		for _, e := range l.entries {
			if _, ok := c.resilient[e.prefix.String()]; !ok {
				fs.add(e.line, "connections to %s move when a next hop goes away, and those of other networks stay", e.prefix)
			}
			delete(left, e.prefix.String())
		}
	}
	for _, prefix := range sortedKeys(left) {
		fs.add(c.resilient[prefix].line, "%s is no network of virtual addresses here", prefix)
	}
}

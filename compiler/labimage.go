package compiler

// LabImage returns the container image that stands for the switches of a lab, every one of which is FRR.
func LabImage() (string, error) {
	set, err := profileSet()
	if err != nil {
		return "", err
	}
	return set.Switch("frr").LabImage, nil
}

int TroupePackageTestAnswer() { return 42; }

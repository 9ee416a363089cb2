int TroupePackageTestAnswer();

int main() { return TroupePackageTestAnswer(); }

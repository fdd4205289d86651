"""Class names in the order of the labels, as the documents print them where they do."""

DIGITS = tuple("0123456789")

FASHION_MNIST = (
    *("t-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)

# GradCon's tables say plane and car where the files say airplane and automobile
CIFAR_10 = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

CIFAR_100 = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab
    crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
    keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse
    mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy
    porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper
    snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television
    tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """.split()  # noqa: SIM905  a hundred lines of quotes are harder to read
)

GTSRB = tuple(str(number) for number in range(43))  # the official sign numbers

SVHN_PART = ("unlabelled",)  # the source breaks off before the labels

NOT_MNIST = tuple("ABCDEFGHIJ")

# the folders' names
OMNIGLOT = (
    *("Balinese", "Early_Aramaic", "Greek", "Japanese_(katakana)"),
    *("Korean", "Latin", "Sanskrit", "Tagalog"),
)

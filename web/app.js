console.log("Tandem");

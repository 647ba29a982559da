'use strict'
module.exports={makeMails(){},seed(){}}
